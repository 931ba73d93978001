using FlowCore;
using FlowCore.Engines;

namespace FlowService.Models;

/// <summary>
/// What holds of every density, measured on rows of the test's own from an engine's values alone: log-determinants by differences of
/// z(x), base densities by a plain loop over the means and deviations that the latents are drawn with, and, in one or two dimensions, the
/// integral over a grid. Nothing here shares a line with the code that computes log-determinants and densities: a base that forgets a
/// value, or a kernel whose derivative is not that of its map, does not pass. Only the forward direction runs: the other one's kernels
/// would have to be compiled first, which takes longer than all of this.
/// </summary>
internal sealed class DensityLaws(FlowEngine<double> engine, ProbeRows probe)
{
    // A log-determinant costs 2 D evaluations a row, and D^3 / 3 multiplications.
    private const int MostWidth = 256, Evaluations = 256, MostRows = 8;
    private const double Step = 1e-5, Tolerance = 0.02, Exactness = 1e-9;
    private static readonly double HalfLog2Pi = 0.5 * Math.Log(2 * Math.PI);

    private readonly int width = engine.Width, rows = Math.Clamp(Evaluations / (2 * engine.Width), 1, Math.Min(MostRows, probe.Rows));

    /// <exception cref="FlowException">The message names the law, and by how much it does not hold.</exception>
    public void Check()
    {
        double[] x = probe.Own(rows), context = [.. probe.Context.Take(rows * engine.ContextWidth).Select(value => (double)value)];
        double[] z = new double[x.Length], logDet = new double[rows], logProb = new double[rows];
        engine.Forward(x, context, z, logDet, logProb);
        if (width <= MostWidth)
            Judge("the log-determinant of z(x)", "differences of z", logDet, Differences(x, context));
        if (BaseDensity(z, context) is { } density)
            Judge("the base density", "the means and deviations that latents are drawn with", [.. logProb.Zip(logDet, (p, d) => p - d)], density);
        if (width <= 2)
            new DensityGrid(engine, probe).Check();
    }

    // Normals in every dimension, z = mean + deviation * noise; null where the latents are not drawn so.
    private double[]? BaseDensity(double[] z, double[] context)
    {
        if (engine.NoiseWidth != width)
            return null;
        double[] mean = Latents(0, context), one = Latents(1, context), two = Latents(2, context), density = new double[rows];
        for (int i = 0; i < z.Length; i++)
        {
            double deviation = one[i] - mean[i];
            if (!(Math.Abs(two[i] - one[i] - deviation) <= Exactness * (Math.Abs(mean[i]) + deviation)))
                return null;
            double noise = (z[i] - mean[i]) / deviation;
            density[i / width] -= 0.5 * noise * noise + HalfLog2Pi + Math.Log(deviation);
        }
        return density;
    }

    private double[] Latents(double noise, double[] context)
    {
        var z = new double[rows * width];
        engine.Latents([.. Enumerable.Repeat(noise, z.Length)], context, [.. Enumerable.Repeat(1.0, rows)], z, new double[rows]);
        return z;
    }

    // ln|det dz/dx| by central differences.
    private double[] Differences(double[] x, double[] context)
    {
        int conditions = engine.ContextWidth, count = rows * 2 * width;
        double[] steps = [.. Enumerable.Range(0, width).Select(column => Step * probe.Spread(column))];
        double[] moved = new double[count * width], condition = new double[count * conditions], mapped = new double[moved.Length];
        for (int target = 0; target < count; target++)
        {
            int row = target / (2 * width), column = target / 2 % width;
            x.AsSpan(row * width, width).CopyTo(moved.AsSpan(target * width));
            context.AsSpan(row * conditions, conditions).CopyTo(condition.AsSpan(target * conditions));
            moved[target * width + column] += target % 2 == 0 ? steps[column] : -steps[column];
        }
        engine.Forward(moved, condition, mapped, new double[count], new double[count]);
        var logDets = new double[rows];
        for (int row = 0; row < rows; row++)
        {
            var jacobian = new double[width, width];
            for (int input = 0; input < width; input++)
                for (int output = 0; output < width; output++)
                {
                    int plus = (row * width + input) * 2 * width + output;
                    jacobian[output, input] = (mapped[plus] - mapped[plus + width]) / (2 * steps[input]);
                }
            logDets[row] = LogAbsDet(jacobian);
        }
        return logDets;
    }

    // Gaussian elimination with the largest pivot of each column.
    private static double LogAbsDet(double[,] a)
    {
        int n = a.GetLength(0);
        double sum = 0;
        for (int column = 0; column < n; column++)
        {
            int pivot = column;
            for (int row = column + 1; row < n; row++)
                if (Math.Abs(a[row, column]) > Math.Abs(a[pivot, column]))
                    pivot = row;
            sum += Math.Log(Math.Abs(a[pivot, column]));
            for (int j = column; j < n; j++)
                (a[column, j], a[pivot, j]) = (a[pivot, j], a[column, j]);
            for (int row = column + 1; row < n; row++)
            {
                double factor = a[row, column] / a[column, column];
                for (int j = column; j < n; j++)
                    a[row, j] -= factor * a[column, j];
            }
        }
        return sum;
    }

    // A row at a kink, at the end of a support, or where the map is all but flat has no differences to speak of: the median judges.
    private void Judge(string what, string by, double[] computed, double[] measured)
    {
        double[] errors = [.. computed.Zip(measured).Where(pair => double.IsFinite(pair.First) && double.IsFinite(pair.Second))
            .Select(pair => Math.Abs(pair.First - pair.Second) / (1 + Math.Abs(pair.Second) / width)).Order()];
        if (errors.Length > 0 && errors[errors.Length / 2] > Tolerance)
            throw new FlowException(
                $"self-test: {what} is off by {errors[errors.Length / 2]:g3} nats on the median of {errors.Length} rows, measured by {by}; the model's density is not what it computes");
    }
}
