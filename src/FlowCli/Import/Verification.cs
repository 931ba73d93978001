using FlowCore.Checkpoints;
using FlowCore.Engines;

namespace FlowCli.Import;

/// <summary>
/// What an imported flow does on rows that it draws itself: the round trip from latents to data and back, and the sum of the two
/// log-determinants, relative, in float64, of the median and of the worst row; and the largest difference of float32 log densities
/// from float64, in nats. A worst row far from the median is a latent that the flow never gives: Gaussianization layers saturate.
/// </summary>
internal sealed record Verification(int Rows, double Temperature, Figure RoundTrip, Figure LogDeterminant, double Float32)
{
    private const int ProbeRows = 256;
    private const ulong Seed = 2026;
    private const double LargestRoundTrip = 1e-6, Cold = 0.2;

    /// <summary>Whether most of the rows came back.</summary>
    public bool Holds => RoundTrip.Median <= LargestRoundTrip;

    /// <summary>Which rows these are, where they are not those that the flow draws.</summary>
    public string Origin => Temperature == 1 ? "" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $" at temperature {Temperature}") + " (most latents beyond have no row: its layers saturate)";

    /// <summary>On rows as the flow draws them; where most of their latents have no row at all, on rows near the centre.</summary>
    public static Verification Of(Checkpoint checkpoint)
    {
        using var exact = new TorchEngine<double>(checkpoint.BuildFlow());
        using FlowEngine<float> served = Engine.Open<float>(checkpoint);
        Verification usual = Of(exact, served, 1);
        return usual.Holds ? usual : Of(exact, served, Cold);
    }

    private static Verification Of(TorchEngine<double> exact, FlowEngine<float> served, double atTemperature)
    {
        int width = exact.Width;
        double[] noise = new double[ProbeRows * exact.NoiseWidth], z = new double[ProbeRows * width], x = new double[z.Length], back = new double[z.Length];
        double[] there = new double[ProbeRows], home = new double[ProbeRows], density = new double[ProbeRows], temperature = new double[ProbeRows];
        double[] context = Context(exact);
        Array.Fill(temperature, atTemperature);
        exact.DrawNoise(Seed, 0, noise);
        exact.Latents(noise, context, temperature, z, home);
        exact.Inverse(z, context, x, there, density);
        exact.Forward(x, context, back, home, density);

        float[] x32 = Array.ConvertAll(x, value => (float)value), log32 = new float[ProbeRows];
        served.Forward(x32, Array.ConvertAll(context, value => (float)value), new float[x.Length], new float[ProbeRows], log32);
        // The float64 density of the very rows that float32 sees.
        exact.Forward(Array.ConvertAll(x32, value => (double)value), context, new double[x.Length], new double[ProbeRows], density);
        return new(
            ProbeRows, atTemperature, Errors(z, back), Errors(there, Array.ConvertAll(home, value => -value)),
            density.Zip(log32, (exactly, nearly) => Math.Abs(exactly - nearly)).Where(double.IsFinite).DefaultIfEmpty(0).Max());
    }

    // Contexts of about the scale that conditional flows are trained on; classes in turn.
    private static double[] Context(TorchEngine<double> engine)
    {
        var context = new double[ProbeRows * engine.ContextWidth];
        if (engine.Spec.Context?.Classes is { } classes)
            for (int i = 0; i < ProbeRows; i++)
                context[i] = i % classes;
        else if (context.Length > 0)
            FlowCore.Densities.Noise.FillNormal(Seed + 1, 0, engine.ContextWidth, context.AsSpan());
        return context;
    }

    // The largest error of each row, relative to 1 + |expected|.
    private static Figure Errors(double[] expected, double[] actual)
    {
        int width = expected.Length / ProbeRows;
        double[] rows = [.. Enumerable.Range(0, ProbeRows).Select(row => Enumerable.Range(row * width, width)
            .Max(i => double.IsNaN(actual[i]) ? double.PositiveInfinity : Math.Abs(expected[i] - actual[i]) / (1 + Math.Abs(expected[i])))).Order()];
        return new(rows[ProbeRows / 2], rows[^1]);
    }
}

/// <summary>An error of the median and of the worst row.</summary>
internal readonly record struct Figure(double Median, double Worst)
{
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Median:g2} (worst row {Worst:g2})");
}
