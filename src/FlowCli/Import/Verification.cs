using FlowCore.Checkpoints;
using FlowCore.Engines;

namespace FlowCli.Import;

/// <summary>
/// What an imported flow does on rows that it draws itself: the round trip from latents to data and back, and the sum of the two
/// log-determinants, relative, in float64; and the difference of float32 log densities from float64, in nats.
/// </summary>
internal sealed record Verification(int Rows, double RoundTrip, double LogDeterminant, double Float32)
{
    private const int ProbeRows = 256;
    private const ulong Seed = 2026;

    public static Verification Of(Checkpoint checkpoint)
    {
        using var exact = new TorchEngine<double>(checkpoint.BuildFlow());
        using var served = new TorchEngine<float>(checkpoint.BuildFlow());
        int width = exact.Width;
        double[] noise = new double[ProbeRows * exact.NoiseWidth], z = new double[ProbeRows * width], x = new double[z.Length], back = new double[z.Length];
        double[] there = new double[ProbeRows], home = new double[ProbeRows], density = new double[ProbeRows], temperature = new double[ProbeRows];
        double[] context = Context(exact);
        Array.Fill(temperature, 1.0);
        exact.DrawNoise(Seed, 0, noise);
        exact.Latents(noise, context, temperature, z, home);
        exact.Inverse(z, context, x, there, density);
        exact.Forward(x, context, back, home, density);

        float[] x32 = Array.ConvertAll(x, value => (float)value), log32 = new float[ProbeRows];
        served.Forward(x32, Array.ConvertAll(context, value => (float)value), new float[x.Length], new float[ProbeRows], log32);
        // The float64 density of the very rows that float32 sees.
        exact.Forward(Array.ConvertAll(x32, value => (double)value), context, new double[x.Length], new double[ProbeRows], density);
        return new(
            ProbeRows, Worst(z, back), Worst(there, Array.ConvertAll(home, value => -value)),
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

    private static double Worst(double[] expected, double[] actual) =>
        expected.Zip(actual, (e, a) => Math.Abs(e - a) / (1 + Math.Abs(e))).Max();
}
