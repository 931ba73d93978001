using System.Numerics;
using System.Runtime.InteropServices;
using FlowCore.Densities;

namespace FlowCore.Calibration;

/// <summary>
/// Gathers a calibration from scored rows as they come: 16 bytes of scores for each row, running moments, and a sample of the rows of a bounded
/// size (Vitter 1985, reservoir sampling), which is the same for the same rows in the same order.
/// </summary>
/// <param name="spec">The model.</param>
/// <param name="kernel">How near rows are to the training rows; null where that is not known.</param>
public sealed class CalibrationBuilder(FlowSpec spec, KernelDensity? kernel = null)
{
    private readonly int width = spec.Width, contextWidth = spec.ContextWidth, most = ReferenceRows.MostOf(spec.Width);
    private readonly List<double> logProbs = [], norms = [], near = [];
    private readonly double[] mean = new double[spec.Width], squares = new double[spec.Width];
    private readonly List<float> values = [], contexts = [];

    /// <summary>The number of rows so far.</summary>
    public int Count => logProbs.Count;

    /// <summary>Adds rows and what an engine made of them.</summary>
    /// <param name="x">The rows, flat.</param>
    /// <param name="context">What each is conditioned on; empty for an unconditional model.</param>
    /// <param name="z">Their latents, flat.</param>
    /// <param name="logProb">Their log densities in nats.</param>
    public void Add<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> context, ReadOnlySpan<T> z, ReadOnlySpan<T> logProb)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (kernel is not null)
        {
            CollectionsMarshal.SetCount(near, near.Count + logProb.Length);
            kernel.LogDensities(x, CollectionsMarshal.AsSpan(near)[^logProb.Length..]);
        }
        for (int row = 0; row < logProb.Length; row++)
        {
            Keep(x.Slice(row * width, width), context.Slice(row * contextWidth, contextWidth));
            logProbs.Add(double.CreateTruncating(logProb[row]));
            norms.Add(SquaredNorm(z.Slice(row * width, width)));
        }
    }

    /// <summary>The calibration by all rows so far.</summary>
    /// <exception cref="FlowException">There is none.</exception>
    public CalibrationSet Build()
    {
        double[] deviation = Array.ConvertAll(squares, sum => Math.Sqrt(sum / Math.Max(1, Count - 1)));
        return new(
            new(ScoreKind.LogProb, CollectionsMarshal.AsSpan(logProbs)), new(ScoreKind.LatentNorm2, CollectionsMarshal.AsSpan(norms)),
            new([.. values], [.. contexts], width), new([.. mean], deviation), kernel is null ? null : Near(kernel));
    }

    private KernelScale Near(KernelDensity density)
    {
        var (byLogProb, byNearness) = (new ConformalScale(ScoreKind.LogProb, CollectionsMarshal.AsSpan(logProbs)), new ConformalScale(ScoreKind.Kernel, CollectionsMarshal.AsSpan(near)));
        var score = new CombinedScore(byLogProb.Scores(), byNearness.Scores());
        return new(density, byNearness, score, new(ScoreKind.Combined, [.. logProbs.Zip(near, score.Of)]));
    }

    // The service sums in its own type of numbers: equal rows must have equal scores there and here.
    private static double SquaredNorm<T>(ReadOnlySpan<T> z)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T sum = T.Zero;
        foreach (T value in z)
            sum += value * value;
        return double.CreateTruncating(sum);
    }

    private void Keep<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> context)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int row = Count;
        for (int i = 0; i < width; i++)
        {
            double value = double.CreateTruncating(x[i]), before = value - mean[i]; // Welford 1962
            mean[i] += before / (row + 1);
            squares[i] += before * (value - mean[i]);
        }
        int place = row;
        if (row >= most)
        {
            var (high, low, _, _) = Philox.At((uint)row, 0, 0, 1, 0, 0);
            place = (int)((((ulong)high << 32) | low) % (ulong)(row + 1));
        }
        if (place < most)
        {
            Put(values, place * width, x);
            Put(contexts, place * contextWidth, context);
        }
    }

    private static void Put<T>(List<float> target, int at, ReadOnlySpan<T> row)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < row.Length; i++)
            if (at + i == target.Count)
                target.Add(float.CreateTruncating(row[i]));
            else
                target[at + i] = float.CreateTruncating(row[i]);
    }
}
