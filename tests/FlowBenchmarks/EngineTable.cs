using System.Diagnostics;
using System.Globalization;
using FlowCore;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Tensors;
using FlowCore.Tests.Golden;

namespace FlowBenchmarks;

/// <summary>The compiled engine beside TorchSharp: ratios of paired runs, one after the other on one core, and their medians.</summary>
internal static class EngineTable
{
    private static readonly string Digits = Path.Combine(AppContext.BaseDirectory, "models", "digits", "1");
    private const int Pairs = 7, WarmUps = 4;
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(60);

    public static void Print(TextWriter output)
    {
        Libtorch.Threads = 1;
        output.WriteLine("| measure | rows | TorchSharp | compiled | ratio |\n|---|---:|---:|---:|---:|");
        Checkpoint realNvp = Random(RealNvp()), maf = Random(Maf(new AffineElementSpec(), 16, [64, 64], 5));
        Compare(output, "RealNVP: 8 couplings, 30 features, 128 x 2", realNvp, [1, 64, 4096], inverse: false);
        Compare(output, "RQ-NSF coupling: 6 layers, 16 features, 128 x 2, 8 bins", Random(Nsf()), [1, 64, 4096], inverse: false);
        Compare(output, "MAF forward: 5 layers, 16 features, 64 x 2", maf, [1, 4096], inverse: false);
        Compare(output, "IAF, latents to data: the same layers", Random(Iaf()), [1, 4096], inverse: true);
        Compare(output, "an imported RealNVP of normflows, 30 features, masked", GoldenModel.Read("normflows/realnvp_masked").Checkpoint, [1, 4096], inverse: false);
        Compare(output, "Glow digits demo, log densities", Checkpoint.Read(Digits), [1, 256], inverse: false);

        output.WriteLine("\n| measure | value |\n|---|---:|");
        InverseOverForward(output);
        TwoThreads(output, realNvp);
        ShareOfPeak(output, realNvp);
        Allocations(output, realNvp);
    }

    /// <summary>Where the time goes, kind by kind.</summary>
    public static void PrintSteps(TextWriter output)
    {
        foreach (int rows in (int[])[48, 1])
        {
            output.WriteLine($"RealNVP, tile of {rows}");
            LinearThroughput.PrintSteps(output, Random(RealNvp()), false, rows);
            output.WriteLine($"RQ-NSF, tile of {rows}");
            LinearThroughput.PrintSteps(output, Random(Nsf()), false, rows);
            output.WriteLine($"Glow digits, tile of {rows} at the most");
            LinearThroughput.PrintSteps(output, Checkpoint.Read(Digits), false, rows);
            output.WriteLine($"MAF, tile of {rows}");
            LinearThroughput.PrintSteps(output, Random(Maf(new AffineElementSpec(), 16, [64, 64], 5)), false, rows);
        }
    }

    private static void Compare(TextWriter output, string what, Checkpoint checkpoint, int[] sizes, bool inverse)
    {
        using var torch = new TorchEngine<float>(checkpoint.BuildFlow());
        using var compiled = new CompiledEngine<float>(checkpoint);
        foreach (int rows in sizes)
        {
            var (theirs, ours, ratio) = Paired(Call(torch, rows, inverse), Call(compiled, rows, inverse));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {rows} | {theirs:0.0} us | {ours:0.0} us | {ratio:0.0}x |"));
        }
    }

    private static void InverseOverForward(TextWriter output)
    {
        using var engine = new CompiledEngine<float>(Random(AutoregressiveNsf()));
        foreach (int rows in (int[])[1, 4096])
        {
            var (_, _, ratio) = Paired(Call(engine, rows, inverse: true), Call(engine, rows, inverse: false));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| autoregressive NSF, 32 features, inverse / forward, {rows} rows | {ratio:0.0}x |"));
        }
    }

    private static void TwoThreads(TextWriter output, Checkpoint checkpoint)
    {
        using var one = new CompiledEngine<float>(checkpoint);
        using var two = new CompiledEngine<float>(checkpoint, threads: 2);
        var (_, _, ratio) = Paired(Call(one, 4096, inverse: false), Call(two, 4096, inverse: false));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| RealNVP, 4096 rows, two threads against one | {ratio:0.00}x |"));
    }

    private static void ShareOfPeak(TextWriter output, Checkpoint checkpoint)
    {
        double peak = LinearThroughput.SquarePeak();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| the kernel on a square layer, 256 x 256 (the core's peak) | {peak:0} GFLOP/s |"));
        foreach (int rows in (int[])[48, 64, 4096])
        {
            double reached = LinearThroughput.OfConditioners(checkpoint, rows);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| RealNVP's conditioners, {rows} rows | {reached:0} GFLOP/s, {reached / peak:p0} of it |"));
        }
    }

    private static void Allocations(TextWriter output, Checkpoint checkpoint)
    {
        using var engine = new CompiledEngine<float>(checkpoint, threads: 2);
        Action call = Call(engine, 4096, inverse: false);
        call();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            call();
        output.WriteLine($"| allocated by 100 batches of 4096 rows | {GC.GetAllocatedBytesForCurrentThread() - before} bytes |");
    }

    private static Action Call(FlowEngine<float> engine, int rows, bool inverse)
    {
        var noise = new float[rows * engine.NoiseWidth];
        engine.DrawNoise(1, 0, noise);
        float[] context = new float[rows * engine.ContextWidth], logDet = new float[rows], logProb = new float[rows];
        float[] z = new float[rows * engine.Width], x = new float[z.Length];
        engine.Latents(noise, context, [.. Enumerable.Repeat(1f, rows)], z, logDet);
        engine.Inverse(z, context, x, logDet, logProb);
        float[] input = inverse ? z : x, mapped = new float[z.Length];
        return inverse
            ? () => engine.Inverse(input, context, mapped, logDet, logProb)
            : () => engine.Forward(input, context, mapped, logDet, logProb);
    }

    /// <summary>Medians in microseconds a call, and the median of the pairs' ratios.</summary>
    private static (double First, double Second, double Ratio) Paired(Action first, Action second)
    {
        // Until the runtime has compiled what is hot for good.
        for (int i = 0; i < WarmUps; i++)
        {
            Time(first);
            Time(second);
        }
        var pairs = Enumerable.Range(0, Pairs).Select(_ => (First: Time(first), Second: Time(second))).ToArray();
        return (Median(pairs.Select(pair => pair.First)), Median(pairs.Select(pair => pair.Second)), Median(pairs.Select(pair => pair.First / pair.Second)));
    }

    private static double Time(Action call)
    {
        long began = Stopwatch.GetTimestamp();
        int calls = 0;
        do
        {
            call();
            calls++;
        }
        while (Stopwatch.GetElapsedTime(began) < Least);
        return Stopwatch.GetElapsedTime(began).TotalMicroseconds / calls;
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Pairs / 2);

    internal static FlowSpec RealNvp(int features = 30, int hidden = 128) => Of(features, Enumerable.Range(0, 8).Select(i => (BijectionSpec)new CouplingSpec
    {
        Mask = i % 2 == 0 ? CouplingMask.SecondHalf : CouplingMask.FirstHalf,
        Element = new AffineElementSpec(),
        Conditioner = new MlpSpec { Hidden = [hidden, hidden] },
    }));

    internal static FlowSpec Nsf() => Of(16, Enumerable.Range(0, 6).Select(i => (BijectionSpec)new CouplingSpec
    {
        Mask = i % 2 == 0 ? CouplingMask.SecondHalf : CouplingMask.FirstHalf,
        Element = new SplineElementSpec(),
        Conditioner = new MlpSpec { Hidden = [128, 128] },
    }));

    internal static FlowSpec AutoregressiveNsf() => Maf(new SplineElementSpec(), 32, [128, 128], 1);

    private static FlowSpec Maf(ElementSpec element, int features, int[] hidden, int layers) => Of(features, Enumerable.Range(0, layers).SelectMany(
        i => new BijectionSpec[]
        {
            new AutoregressiveSpec { Element = element, Conditioner = new MadeSpec { Hidden = hidden } },
            new PermutationSpec { Order = FeatureOrder.Reverse },
        }));

    private static FlowSpec Iaf() => Of(16, Enumerable.Range(0, 5).SelectMany(
        i => new BijectionSpec[]
        {
            new InvertedSpec { Of = new AutoregressiveSpec { Element = new AffineElementSpec(), Conditioner = new MadeSpec { Hidden = [64, 64] } } },
            new PermutationSpec { Order = FeatureOrder.Reverse },
        }));

    private static FlowSpec Of(int features, IEnumerable<BijectionSpec> bijections) =>
        new() { Name = "benchmark", EventShape = [features], Bijections = [.. bijections] };

    internal static Checkpoint Random(FlowSpec spec, float scale = 0.1f)
    {
        using Flow flow = FlowBuilder.Build(spec);
        return Weighted(Checkpoint.Of(flow), scale);
    }

    /// <summary>The checkpoint with small random weights, masks being kept.</summary>
    private static Checkpoint Weighted(Checkpoint empty, float scale)
    {
        var weights = new Dictionary<string, WeightTensor>();
        ulong seed = 1;
        foreach (var (name, tensor) in empty.Weights)
        {
            if (name.EndsWith("mask", StringComparison.Ordinal) || tensor.Type != WeightType.F32)
            {
                weights[name] = tensor;
                continue;
            }
            var values = new float[tensor.Data.Length / sizeof(float)];
            Noise.FillNormal(seed++, 0, values.Length, values.AsSpan());
            weights[name] = tensor with { Data = System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>([.. values.Select(value => scale * value)]).ToArray() };
        }
        return empty with { Weights = weights };
    }
}
