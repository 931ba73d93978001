using FlowCore;
using FlowCore.Engines;

namespace FlowService.Models;

/// <summary>The integral of a density of one or two values over a box around the model's own samples, which hold nearly all of its mass.</summary>
internal sealed class DensityGrid(FlowEngine<double> engine, ProbeRows probe)
{
    // Where two grids differ, or a few cells at the samples would hold all the mass, the density has finer structure than they see,
    // and nothing is said of it.
    private const int Lines = 2048, FinerLines = 3001, Cells = 64, FinerCells = 125;
    private const double Margin = 0.2, Resolved = 0.01, MostInACell = 0.02, Tolerance = 0.05;

    /// <exception cref="FlowException">It is not 1.</exception>
    public void Check()
    {
        bool line = engine.Width == 1;
        double coarse = Integral(line ? Lines : Cells, out double cell);
        if (Math.Abs(coarse - 1) <= Tolerance || !double.IsFinite(coarse) || !(MedianDensity() * cell <= MostInACell))
            return;
        double fine = Integral(line ? FinerLines : FinerCells, out _);
        if (Math.Abs(fine - 1) > Tolerance && Math.Abs(fine - coarse) <= Resolved * fine)
            throw new FlowException($"self-test: the density integrates to {fine:g4} around the model's own samples, not to 1");
    }

    private double MedianDensity()
    {
        double[] x = Array.ConvertAll(probe.X, value => (double)value), context = Array.ConvertAll(probe.Context, value => (double)value), logProb = new double[probe.Rows];
        engine.Forward(x, context, [], new double[probe.Rows], logProb);
        return Math.Exp(logProb.Order().ElementAt(probe.Rows / 2));
    }

    private double Integral(int lines, out double cell)
    {
        double sum = 0;
        cell = 1;
        (double From, double Step)[] axes = [.. Enumerable.Range(0, engine.Width).Select(column =>
        {
            var (low, high) = probe.Range(column);
            double margin = Margin * (high - low);
            return (low - margin, (high - low + 2 * margin) / lines);
        })];
        foreach (var axis in axes)
            cell *= axis.Step;
        double[] context = [.. Enumerable.Range(0, lines * engine.ContextWidth).Select(i => (double)probe.Context[i % engine.ContextWidth])];
        double[] x = new double[lines * engine.Width], logProb = new double[lines];
        for (int block = 0; block < (engine.Width == 1 ? 1 : lines); block++)
        {
            for (int i = 0; i < x.Length; i++)
                x[i] = axes[i % engine.Width] is var axis && i % engine.Width == 0 ? axis.From + (i / engine.Width + 0.5) * axis.Step : axis.From + (block + 0.5) * axis.Step;
            engine.Forward(x, context, [], new double[lines], logProb);
            foreach (double value in logProb)
                sum += double.IsNaN(value) ? 0 : Math.Exp(value) * cell;
        }
        return sum;
    }
}
