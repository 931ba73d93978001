using System.Diagnostics;
using System.Globalization;
using FlowCore;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using FlowCore.Engines;
using static TorchSharp.torch;

namespace FlowBenchmarks;

/// <summary>
/// How much faster than real time one core speaks: the demo model, and the layouts of SqueezeWave-128L and WaveGlow with random weights,
/// beside what their multiply-adds allow at 120 of them a nanosecond.
/// </summary>
internal static class VocoderTable
{
    private const double PeakMacsASecond = 120e9;
    private const int Repeats = 5;

    public static void Print(TextWriter output, string? only)
    {
        (string Name, int Samples, Func<Checkpoint> Open)[] models =
        [
            ("speech", 16384, () => Checkpoint.Read(Path.Combine(AppContext.BaseDirectory, "models", "speech", "1"))),
            ("squeezewave-128l", 32768, () => Random(SqueezeWave())),
            ("waveglow", 8192, () => Random(WaveGlow())),
        ];
        output.WriteLine("| model | parameters | GMAC for a second of sound | bound at 120 GMAC/s | measured, times real time | of the bound | opening, s |");
        output.WriteLine("|---|---:|---:|---:|---:|---:|---:|");
        foreach (var (name, samples, open) in models)
            if (only is null || only == name)
                Print(output, name, samples, open());
    }

    private static void Print(TextWriter output, string name, int samples, Checkpoint checkpoint)
    {
        SoundSpec sound = checkpoint.Spec.Sound!;
        FlowSpec spec = checkpoint.Spec with { EventShape = [1, samples], Context = checkpoint.Spec.Context! with { Shape = [sound.Mels, samples / sound.Hop] } };
        var clock = Stopwatch.StartNew();
        using FlowEngine<float> engine = Engine.Open<float>(checkpoint with { Spec = spec }, EngineKind.Compiled, threads: 1);
        double opening = clock.Elapsed.TotalSeconds, best = double.PositiveInfinity;
        float[] z = new float[samples], x = new float[samples], mels = new float[spec.ContextWidth];
        Noise.FillNormal(1, 0, samples, z.AsSpan());
        Noise.FillNormal(2, 0, mels.Length, mels.AsSpan());
        for (int i = 0; i < Repeats; i++)
        {
            clock.Restart();
            engine.Inverse(z, mels, x, new float[1], new float[1]);
            best = Math.Min(best, clock.Elapsed.TotalSeconds);
        }
        double seconds = (double)samples / sound.Rate, macs = Macs(checkpoint, samples) / seconds;
        double times = seconds / best, bound = PeakMacsASecond / macs;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {checkpoint.Weights.Values.Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size)) / 1e6:F1} M | {macs / 1e9:F2} | {bound:F2} | {times:F2} | {times / bound:P0} | {opening:F1} |"));
    }

    // Each weight is multiplied by once for every frame of its place.
    private static double Macs(Checkpoint checkpoint, int samples)
    {
        SoundSpec sound = checkpoint.Spec.Sound!;
        int group = checkpoint.Spec.Bijections.OfType<TimeSqueezeSpec>().Single().Factor;
        double frames = (double)samples / sound.Hop, groups = (double)samples / group;
        bool upsamples = checkpoint.Spec.Context!.Embedding?.Any(layer => layer is TransposedTimeConvSpec) == true;
        double sum = 0;
        foreach (var (key, tensor) in checkpoint.Weights.Where(weight => weight.Value.Shape.Length >= 2 && !weight.Key.EndsWith("_g", StringComparison.Ordinal)))
        {
            double size = tensor.Shape.Aggregate(1.0, (product, axis) => product * axis);
            bool ofMels = key.StartsWith("embedding", StringComparison.Ordinal) || key.Contains(".gate", StringComparison.Ordinal) && tensor.Shape.Length == 2 && !upsamples;
            sum += size * (ofMels ? frames : groups);
        }
        return sum;
    }

    private static FlowSpec WaveGlow() => Layout(8, 4, 2, 256, new() { Blocks = 8 }, 2048) with
    {
        Context = new()
        {
            Shape = [80, 8],
            Embedding = [new TransposedTimeConvSpec { Channels = 80, Kernel = 1024, Stride = 256 }, new SqueezeFramesSpec { Factor = 8 }],
        },
    };

    private static FlowSpec SqueezeWave() =>
        Layout(128, 2, 16, 256, new() { Blocks = 8, DilationGrowth = 1, Separable = true, BatchNorm = true, Skips = false }, 2048);

    private static FlowSpec Layout(int group, int every, int early, int channels, WaveNetSpec body, int samples) => new()
    {
        Name = "layout",
        EventShape = [1, samples],
        Sound = new() { Rate = 22050, FftSize = 1024, Hop = 256, Mels = 80, Highest = 8000 },
        Context = new() { Shape = [80, samples / 256] },
        Bijections = [new TimeSqueezeSpec { Factor = group }, .. Flows(0, group, every, early, channels, body)],
    };

    private static IEnumerable<BijectionSpec> Flows(int first, int group, int every, int early, int channels, WaveNetSpec body)
    {
        for (int k = first; k < 12; k++)
        {
            if (k > first && k % every == 0)
            {
                yield return new SplitSpec
                {
                    Mask = CouplingMask.Explicit([.. Enumerable.Range(0, group).Select(channel => channel < early)]),
                    Order = SplitOrder.SameShape,
                    Inner = [.. Flows(k, group - early, every, early, channels, body)],
                };
                yield break;
            }
            yield return new MatrixSpec { Form = MatrixForm.Plain };
            yield return new CouplingSpec
            {
                Mask = CouplingMask.SecondHalf,
                Element = new AffineElementSpec { Scale = ScaleMap.Exp },
                Conditioner = new SequenceSpec { Steps = [new TimeConvSpec { Channels = channels, Kernel = 1 }, body, new TimeConvSpec { Channels = group, Kernel = 1 }] },
            };
        }
    }

    private static Checkpoint Random(FlowSpec spec)
    {
        using var mode = no_grad();
        using Flow flow = FlowBuilder.Build(spec);
        ulong seed = 1;
        foreach (var (name, parameter) in flow.named_parameters().Where(each => !each.name.Contains("norm_", StringComparison.Ordinal)))
        {
            using var scope = NewDisposeScope();
            float[] values = new float[parameter.numel()];
            Noise.FillNormal(seed++, 0, values.Length, values.AsSpan());
            double scale = 0.5 / Math.Sqrt(Math.Max(1, parameter.numel() / parameter.shape[0]));
            Tensor drawn = tensor(values).reshape(parameter.shape) * scale;
            // Matrices near the identity are invertible.
            bool isMatrix = name.EndsWith(".weight", StringComparison.Ordinal) && parameter.dim() == 2 && !name.Contains("conditioner", StringComparison.Ordinal);
            parameter.copy_(isMatrix ? drawn * 0.2 + eye(parameter.shape[0]) : drawn);
        }
        return Checkpoint.Of(flow);
    }
}
