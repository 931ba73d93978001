using System.Diagnostics;
using System.Globalization;
using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled;
using FlowCore.Tests.Golden;

namespace FlowBenchmarks;

/// <summary>
/// Microseconds a batch of every golden model and demo takes on one thread of the compiled engine: a line each, to be compared between two commits
/// whose runs take turns. Where a line is slower, a kind's formula became slower.
/// </summary>
internal static class KindTable
{
    private const int Rows = 256, Tries = 9;
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(15), WarmUp = TimeSpan.FromMilliseconds(700);

    public static void Print(TextWriter output, string only)
    {
        output.WriteLine($"| model, {Rows} rows | forward, us | inverse, us | latents drawn, us |\n|---|---:|---:|---:|");
        foreach (string name in GoldenModel.Names.Where(name => name.Contains(only, StringComparison.Ordinal)))
            Print(output, name, GoldenModel.Read(name).Checkpoint);
        foreach (string demo in Directory.EnumerateDirectories(Path.Combine(AppContext.BaseDirectory, "models")).Where(demo => demo.Contains(only, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            Print(output, Path.GetFileName(demo), Checkpoint.Read(Path.Combine(demo, "1")));
    }

    private static void Print(TextWriter output, string name, Checkpoint checkpoint)
    {
        CompiledEngine<float> engine;
        try
        {
            engine = new CompiledEngine<float>(checkpoint);
        }
        catch (NotSupportedException error)
        {
            output.WriteLine($"| {name} | {error.Message} | | |");
            return;
        }
        using (engine)
        {
            float[] noise = new float[Rows * engine.NoiseWidth], context = new float[Rows * engine.ContextWidth];
            float[] scale = new float[Rows], logDet = new float[Rows], logProb = new float[Rows];
            float[] z = new float[Rows * engine.Width], x = new float[z.Length], mapped = new float[z.Length];
            Array.Fill(scale, 1f);
            engine.DrawNoise(1, 0, noise);
            engine.Latents(noise, context, scale, z, logDet);
            engine.Inverse(z, context, x, logDet, logProb);
            double forward = LeastMicroseconds(() => engine.Forward(x, context, mapped, logDet, logProb));
            double inverse = LeastMicroseconds(() => engine.Inverse(z, context, mapped, logDet, logProb));
            double drawn = LeastMicroseconds(() =>
            {
                engine.DrawNoise(1, 0, noise);
                engine.Latents(noise, context, scale, mapped, logDet);
            });
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {forward:0.0} | {inverse:0.0} | {drawn:0.0} |"));
        }
    }

    // The least of several tries: what else runs on the machine only adds.
    private static double LeastMicroseconds(Action call)
    {
        // Until the runtime has compiled what is hot for good.
        for (var began = Stopwatch.StartNew(); began.Elapsed < WarmUp;)
            call();
        double least = double.PositiveInfinity;
        for (int i = 0; i < Tries; i++)
        {
            int calls = 0;
            var clock = Stopwatch.StartNew();
            do
            {
                call();
                calls++;
            }
            while (clock.Elapsed < Least);
            least = Math.Min(least, clock.Elapsed.TotalMicroseconds / calls);
        }
        return least;
    }
}
