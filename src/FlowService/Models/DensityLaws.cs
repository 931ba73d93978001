using FlowCore;
using FlowCore.Engines;

namespace FlowService.Models;

/// <summary>
/// What holds of every density, measured from an engine's values alone: log-determinants by differences of z(x), densities by
/// differences of the way from noise to data, and, in one or two dimensions, the integral over a grid. Nothing here shares a line
/// with the code that computes log-determinants and densities: a base that forgets a value, or a kernel whose derivative is not that of
/// its map, does not pass.
/// </summary>
internal sealed class DensityLaws(FlowEngine<double> engine, ProbeRows probe)
{
    // A law costs 2 D evaluations a row, and a determinant of D^2 values.
    private const int MostWidth = 256, Evaluations = 512, MostRows = 8;
    private const double Step = 1e-5, Tolerance = 0.02;
    private static readonly double LogNormal = -0.5 * Math.Log(2 * Math.PI);

    private readonly int rows = Math.Clamp(Evaluations / (2 * engine.Width), 1, Math.Min(MostRows, probe.Rows));

    /// <exception cref="FlowException">The message names the law, and by how much it does not hold.</exception>
    public void Check()
    {
        double[] context = [.. probe.Context.Take(rows * engine.ContextWidth).Select(value => (double)value)];
        if (engine.Width <= MostWidth)
        {
            CheckLogDet(context);
            CheckDensity(context);
        }
        if (engine.Width <= 2)
            new DensityGrid(engine, probe).Check();
    }

    // log|det dz/dx| on rows of the test's own, about where the density lies.
    private void CheckLogDet(double[] context)
    {
        double[] x = probe.Own(rows), logDet = new double[rows];
        engine.Forward(x, context, new double[x.Length], logDet, new double[rows]);
        double[] steps = [.. Enumerable.Range(0, x.Length).Select(i => Step * probe.Spread(i % engine.Width))];
        double[] measured = Differences(x, steps, context, (at, condition) =>
        {
            var z = new double[at.Length];
            engine.Forward(at, condition, z, new double[at.Length / engine.Width], new double[at.Length / engine.Width]);
            return z;
        });
        Judge("the log-determinant of z(x)", "differences of z", logDet, measured);
    }

    // log p(x) of what is drawn: that of its noise, less how the way from the noise to x stretches.
    private void CheckDensity(double[] context)
    {
        // A mixture takes one noise value more than it gives: the way has no inverse.
        if (engine.NoiseWidth != engine.Width)
            return;
        double[] noise = OwnNoise.Normal(rows * engine.Width, seed: 2), logProb = new double[rows];
        double[] x = FromNoise(noise, context);
        engine.Forward(x, context, new double[x.Length], new double[rows], logProb);
        double[] stretch = Differences(noise, [.. noise.Select(_ => Step)], context, FromNoise);
        for (int row = 0; row < rows; row++)
            stretch[row] = noise.Skip(row * engine.Width).Take(engine.Width).Sum(value => LogNormal - 0.5 * value * value) - stretch[row];
        Judge("the log density of what is drawn", "differences of the way from noise to x", logProb, stretch);
    }

    private double[] FromNoise(double[] noise, double[] context)
    {
        int count = noise.Length / engine.Width;
        double[] z = new double[noise.Length], x = new double[noise.Length], temperature = [.. Enumerable.Repeat(1.0, count)];
        engine.Latents(noise, context, temperature, z, new double[count]);
        engine.Inverse(z, context, x, new double[count], new double[count]);
        return x;
    }

    // ln|det| of the central differences of a map at each row.
    private double[] Differences(double[] at, double[] steps, double[] context, Func<double[], double[], double[]> map)
    {
        int width = engine.Width, conditions = engine.ContextWidth;
        double[] moved = new double[rows * 2 * width * width], condition = new double[rows * 2 * width * conditions];
        for (int row = 0; row < rows; row++)
            for (int i = 0; i < 2 * width; i++)
            {
                int target = row * 2 * width + i;
                at.AsSpan(row * width, width).CopyTo(moved.AsSpan(target * width));
                moved[target * width + i / 2] += (i % 2 == 0 ? 1 : -1) * steps[row * width + i / 2];
                context.AsSpan(row * conditions, conditions).CopyTo(condition.AsSpan(target * conditions));
            }
        double[] mapped = map(moved, condition);
        var logDets = new double[rows];
        for (int row = 0; row < rows; row++)
        {
            var jacobian = new double[width, width];
            for (int input = 0; input < width; input++)
                for (int output = 0; output < width; output++)
                {
                    int plus = (row * 2 * width + 2 * input) * width + output;
                    jacobian[output, input] = (mapped[plus] - mapped[plus + width]) / (2 * steps[row * width + input]);
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
            .Select(pair => Math.Abs(pair.First - pair.Second) / (1 + Math.Abs(pair.Second) / engine.Width)).Order()];
        if (errors.Length > 0 && errors[errors.Length / 2] > Tolerance)
            throw new FlowException(
                $"self-test: {what} is off by {errors[errors.Length / 2]:g3} nats on the median of {errors.Length} rows, measured by {by}; the model's density is not what it computes");
    }
}
