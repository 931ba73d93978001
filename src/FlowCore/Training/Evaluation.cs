using FlowCore.Bijections;
using FlowCore.Checkpoints;
using FlowCore.Engines;

namespace FlowCore.Training;

/// <summary>
/// A trained flow on held-out rows, computed in float64, beside a full-covariance Gaussian of the same training rows. Where the flow
/// dequantises, the held-out values are spread over their cells too: the mean is then a lower bound of the log probability of the
/// discrete values, in units of their step. Log densities are in nats, in the data's own units; <see cref="RoundTrip32"/> and <see cref="RoundTrip64"/> are the largest distances of a row from
/// what its latent decodes to, in standard deviations of the column.
/// </summary>
public sealed record Evaluation(double[] LogProb, double[] GaussianLogProb, double GaussianRidge, double RoundTrip32, double RoundTrip64)
{
    // Of images fewer rows: float64 takes its time.
    private const int MostRoundTripRows = 4096, MostRoundTripValues = 1 << 18, LeastRoundTripRows = 64;

    /// <summary>Whether float32 computes the flow well enough to serve it.</summary>
    public required Stability Stability { get; init; }

    /// <summary>How far the Gaussian's correlations were drawn towards 0.</summary>
    public double GaussianShrinkage { get; init; }

    public double Mean => LogProb.Average();

    public double MedianOfRows => Median.Of(LogProb);

    public double GaussianMean => GaussianLogProb.Average();

    public double GaussianMedian => Median.Of(GaussianLogProb);

    /// <summary>The cost of a row in bits, per feature: -log2 p(x) / D.</summary>
    public static double BitsPerDimension(double logProb, int width) => -logProb / (width * Math.Log(2));

    /// <summary>Looks at rows that training did not see, on so many cores.</summary>
    public static Evaluation Of(Flow flow, Table train, Table test, ulong seed = 0, int threads = 1)
    {
        (train, test) = Spread(flow, train, test, seed);
        GaussianBaseline gaussian = GaussianBaseline.Fit(Details.Of(train, flow.Spec), flow.Spec.Context?.Classes is not null, threads: threads);
        ColumnFacts[] columns = ColumnFacts.Of(train);
        double[] deviations = [.. columns.Select(column => column.Deviation)];
        Checkpoint weights = Checkpoint.Of(flow);
        using FlowEngine<double> exact = Engine.Open<double>(weights, threads: threads);
        using FlowEngine<float> served = Engine.Open<float>(weights, threads: threads);
        RoundTrip<float> there = RoundTrip<float>.Of(served, test, RoundTripRows(test.Width));
        return new(
            LogProbOf(exact, test),
            Joint(gaussian.LogProb(Details.Of(test, flow.Spec)), test, flow.Spec),
            gaussian.Ridge,
            there.Error(deviations),
            RoundTrip<double>.Of(exact, test, RoundTripRows(test.Width)).Error(deviations))
        {
            GaussianShrinkage = gaussian.Shrinkage,
            Stability = Stability.Of(served, there, exact, columns, seed),
        };
    }

    /// <summary>Whether float32 computes a flow well enough to serve it: what a whole look says of that, in a part of its time.</summary>
    public static Stability StabilityOf(Flow flow, Table train, Table test, ulong seed, int threads)
    {
        (train, test) = Spread(flow, train, test, seed);
        Checkpoint weights = Checkpoint.Of(flow);
        using FlowEngine<double> exact = Engine.Open<double>(weights, threads: threads);
        using FlowEngine<float> served = Engine.Open<float>(weights, threads: threads);
        return Stability.Of(served, RoundTrip<float>.Of(served, test, RoundTripRows(test.Width)), exact, ColumnFacts.Of(train), seed);
    }

    /// <summary>log p of each row, given its context where it has one.</summary>
    public static double[] LogProbOf(FlowEngine<double> engine, Table rows)
    {
        const int chunk = 4096;
        double[] z = new double[chunk * rows.Width], logDet = new double[chunk], logProb = new double[rows.Rows];
        for (int first = 0; first < rows.Rows; first += chunk)
        {
            int count = Math.Min(chunk, rows.Rows - first);
            engine.Forward(
                rows.Values.AsSpan(first * rows.Width, count * rows.Width),
                rows.Context is { } context ? context.Values.AsSpan(first * context.Width, count * context.Width) : default,
                z.AsSpan(0, count * rows.Width), logDet.AsSpan(0, count), logProb.AsSpan(first, count));
        }
        return logProb;
    }

    // With the frequencies of the categories, which the flow counts too.
    private static double[] Joint(double[] logProb, Table rows, FlowSpec spec)
    {
        if (spec.Context?.Categories is not { } categories)
            return logProb;
        double[] frequencies = categories.LogFrequencies();
        return [.. logProb.Select((each, row) => each + frequencies[(int)rows.Context!.Values[row]])];
    }

    // Where the flow dequantises.
    private static (Table Train, Table Test) Spread(Flow flow, Table train, Table test, ulong seed) =>
        flow.Bijections.OfType<Dequantize>().FirstOrDefault() is { } dequantize
            ? (dequantize.Spread(train, seed, stream: 1), dequantize.Spread(test, seed, stream: 2)) : (train, test);

    /// <summary>The most rows of a width that go to their latents and back.</summary>
    private static int RoundTripRows(int width) => Math.Clamp(MostRoundTripValues / width, LeastRoundTripRows, MostRoundTripRows);
}
