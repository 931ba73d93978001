using FlowCore.Densities;
using FlowCore.Engines;

namespace FlowCore.Training;

/// <summary>
/// Whether float32 can compute a trained flow: the largest error of a held-out row that goes to its latent and back, in standard
/// deviations of its column, relative to 1 + its distance from the mean; the largest difference of its log density from float64's,
/// relative to 1 + that; and of rows that are drawn, where float32 has room for them, the median difference between the density that
/// is stated and the one that scoring them gives, likewise.
/// </summary>
public sealed record Stability(double RoundTrip, double LogDensity, double Samples)
{
    /// <summary>The most that each of the figures may be.</summary>
    public const double Tolerance = 0.05;

    private const int MostSamples = 256;
    private const double MostStep = 1e-3;

    public bool Holds => RoundTrip <= Tolerance && LogDensity <= Tolerance && Samples <= Tolerance;

    /// <summary>Compares two engines of one flow.</summary>
    /// <param name="served">The flow in float32.</param>
    /// <param name="there">What it makes of rows that training did not see, and of their latents.</param>
    /// <param name="exact">The flow in float64.</param>
    /// <param name="columns">What their columns are like.</param>
    /// <param name="seed">The noise of what is drawn.</param>
    internal static Stability Of(
        FlowEngine<float> served, RoundTrip<float> there, FlowEngine<double> exact, ColumnFacts[] columns, ulong seed)
    {
        (float[] x, float[] back, int count, int width) = (there.X, there.Back, there.LogProb.Length, served.Width);
        double[] exactLogProb = new double[count];
        exact.Forward(Double(x), Double(there.Context), new double[x.Length], new double[count], exactLogProb);

        double roundTrip = 0, logDensity = 0;
        for (int i = 0; i < x.Length; i++)
        {
            ColumnFacts column = columns[i % width];
            double deviation = column.IsConstant ? 1 : column.Deviation;
            // A float32 that stands far from 0 is no nearer to its neighbours than its step.
            double scale = deviation + Math.Abs(x[i] - column.Mean) + column.Float32Step;
            roundTrip = Larger(roundTrip, Math.Abs((double)x[i] - back[i]) / scale);
        }
        for (int row = 0; row < count; row++)
            logDensity = Larger(logDensity, Difference(there.LogProb[row], exactLogProb[row]));
        // What is drawn far from 0 is rounded when it is written into float32, whatever the flow is.
        bool isRounded = columns.Any(column => column.Float32Step > MostStep * column.Deviation);
        return new(roundTrip, logDensity, isRounded ? 0 : OfSamples(served, there.Context, Math.Min(MostSamples, count), seed));
    }

    private static double OfSamples(FlowEngine<float> served, float[] contexts, int count, ulong seed)
    {
        float[] noise = new float[count * served.NoiseWidth], z = new float[count * served.Width], x = new float[z.Length];
        float[] stated = new float[count], scored = new float[count], unused = new float[count];
        float[] context = contexts[..(count * served.ContextWidth)];
        Noise.FillNormal(seed, 0, served.NoiseWidth, noise.AsSpan());
        served.Latents(noise, context, [.. Enumerable.Repeat(1f, count)], z, unused);
        served.Inverse(z, context, x, unused, stated);
        served.Forward(x, context, z, unused, scored);
        // NaN as infinity: the median takes NaN for the smallest value.
        IEnumerable<double> differences = stated.Zip(scored, (a, b) => Difference(a, b));
        return Median.Of([.. differences.Select(each => double.IsNaN(each) ? double.PositiveInfinity : each)]);
    }

    private static double Difference(double a, double b) => Math.Abs(a - b) / (1 + Math.Abs(b));

    private static double Larger(double a, double b) => double.IsNaN(a) || double.IsNaN(b) ? double.NaN : Math.Max(a, b);

    private static double[] Double(float[] values) => Array.ConvertAll(values, value => (double)value);
}
