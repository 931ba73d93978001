using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Gpu;
using FlowCore.Tests.Golden;

namespace FlowBenchmarks;

/// <summary>The GPU engine on a device: its bits beside those that the CPU's engine wrote into a file elsewhere, and its rows a second.</summary>
internal static class GpuTable
{
    private static readonly int[] Batches = [1, 64, 4096, 262144];
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(300);
    private const int Rows = 1000, WarmUps = 3;

    /// <summary>Writes what the CPU's engine makes of a thousand rows of every model, as cpu-bits.bin, and the models of the table, whose weights are random, beside it.</summary>
    public static void Write(TextWriter output, string folder)
    {
        foreach (var (name, checkpoint) in Tables())
            checkpoint.Write(Path.Combine(folder, "table", name), "A model of a table of speeds: its weights are random.");
        using var file = new BinaryWriter(File.Create(Path.Combine(folder, "cpu-bits.bin")));
        foreach (var (name, checkpoint) in Models())
            using (var engine = new CompiledEngine<float>(checkpoint))
            {
                float[] results = Results(engine);
                file.Write(name);
                file.Write(results.Length);
                file.Write(MemoryMarshal.AsBytes<float>(results));
                output.WriteLine($"{name}: {results.Length} values");
            }
        file.Write("");
    }

    /// <summary>Compares the same with a device, for so many of the models; returns the number of those whose bits differ.</summary>
    public static int Check(TextWriter output, string path, string device, int first)
    {
        Dictionary<string, Checkpoint> models = Models().ToDictionary(model => model.Name, model => model.Checkpoint);
        int differing = 0, compared = 0;
        // Compiling takes a core a second or two for each model: all of them at once, and the engines below find what was compiled.
        if (first >= models.Count)
            Parallel.ForEach(models.Values, checkpoint => Engine.Open<float>(checkpoint, EngineKind.Gpu, device).Dispose());
        using var file = new BinaryReader(File.OpenRead(path));
        for (string name = file.ReadString(); name.Length > 0 && compared < first; name = file.ReadString(), compared++)
        {
            float[] expected = MemoryMarshal.Cast<byte, float>(file.ReadBytes(sizeof(float) * file.ReadInt32())).ToArray();
            using FlowEngine<float> engine = Engine.Open<float>(models[name], EngineKind.Gpu, device);
            float[] actual = Results(engine);
            int wrong = Enumerable.Range(0, expected.Length).Count(i => !(float.IsNaN(expected[i]) && float.IsNaN(actual[i]))
                && BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]));
            differing += wrong == 0 && actual.Length == expected.Length ? 0 : 1;
            output.WriteLine(wrong == 0 ? $"{name}: the same {expected.Length} values" : $"{name}: {wrong} of {expected.Length} values DIFFER");
        }
        return differing;
    }

    /// <summary>Every kernel once, on few rows: for a sanitizer, which makes a kernel a hundred times slower.</summary>
    public static void RunOnce(TextWriter output, string device)
    {
        foreach (var (name, checkpoint) in Models())
            using (FlowEngine<float> engine = Engine.Open<float>(checkpoint, EngineKind.Gpu, device))
                output.WriteLine($"{name}: {Results(engine, 40).Length} values");
    }

    /// <summary>Rows a second, from host memory to host memory.</summary>
    public static void Print(TextWriter output, string device, int mostRows)
    {
        output.WriteLine("| model | operation | rows | rows/s | us a batch |\n|---|---|---:|---:|---:|");
        (string What, Checkpoint Checkpoint, int[] Sizes)[] models =
        [
            ("normflows/realnvp_masked", GoldenModel.Read("normflows/realnvp_masked").Checkpoint, Batches),
            ("RealNVP: 8 couplings, 30 features, 128 x 2", Table("realnvp"), Batches),
            ("RQ-NSF coupling: 6 layers, 16 features, 128 x 2, 8 bins", Table("nsf"), Batches),
            ("autoregressive NSF: 32 features, 128 x 2", Table("autoregressive-nsf"), Batches),
            ("Glow digits demo", Checkpoint.Read(Path.Combine(AppContext.BaseDirectory, "models", "digits", "1")), [1, 64, 4096]),
        ];
        foreach (var (what, checkpoint, sizes) in models)
        {
            long began = Stopwatch.GetTimestamp();
            using FlowEngine<float> engine = Engine.Open<float>(checkpoint, EngineKind.Gpu, device);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | opened | | | {Stopwatch.GetElapsedTime(began).TotalMicroseconds:0} |"));
            foreach (bool inverse in (bool[])[false, true])
                foreach (int rows in sizes.Where(rows => rows <= mostRows))
                {
                    double seconds = Seconds(engine, rows, inverse);
                    output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"| {what} | {(inverse ? "latents to data" : "log densities")} | {rows} | {rows / seconds:0} | {seconds * 1e6:0.0} |"));
                }
        }
    }

    private static IEnumerable<(string Name, Checkpoint Checkpoint)> Tables() =>
        [("realnvp", EngineTable.Random(EngineTable.RealNvp())), ("nsf", EngineTable.Random(EngineTable.Nsf())), ("autoregressive-nsf", EngineTable.Random(EngineTable.AutoregressiveNsf()))];

    // As it was packed, for there need be no libtorch to make it; or made.
    public static Checkpoint Table(string name)
    {
        string packed = Path.Combine(AppContext.BaseDirectory, "table", name);
        return Directory.Exists(packed) ? Checkpoint.Read(packed) : Tables().First(table => table.Name == name).Checkpoint;
    }

    private static double Seconds(FlowEngine<float> engine, int rows, bool inverse)
    {
        float[] input = new float[rows * engine.Width], context = Context(engine, rows), output = new float[inverse ? input.Length : 0], logDet = new float[rows], logProb = new float[rows];
        for (int i = 0; i < input.Length; i++)
            input[i] = 0.01f * (i % 127 - 63);
        var times = new List<double>();
        long start = 0;
        for (int i = -WarmUps; i < 5 || Stopwatch.GetElapsedTime(start) < Least; i++)
        {
            if (i == 0)
                start = Stopwatch.GetTimestamp();
            long began = Stopwatch.GetTimestamp();
            if (inverse)
                engine.Inverse(input, context, output, logDet, logProb);
            else
                engine.Forward(input, context, output, logDet, logProb);
            if (i >= 0)
                times.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
        }
        return times.Order().ElementAt(times.Count / 2);
    }

    private static float[] Results(FlowEngine<float> engine, int rows = Rows)
    {
        float[] context = Context(engine, rows), z = new float[rows * engine.Width], x = new float[z.Length], back = new float[z.Length];
        float[] logBase = new float[rows], logDet = new float[rows], logProb = new float[rows], logDetBack = new float[rows], logProbBack = new float[rows];
        var noise = new NoiseRow[rows];
        NoiseRow.Fill(noise, 3, 0);
        engine.Sample(noise, context, [.. Enumerable.Repeat(0.9f, rows)], z, logBase, x, logDet, logProb);
        engine.Forward(x, context, back, logDetBack, logProbBack);
        return [.. z, .. logBase, .. x, .. logDet, .. logProb, .. back, .. logDetBack, .. logProbBack];
    }

    private static float[] Context(FlowEngine<float> engine, int rows)
    {
        var context = new float[rows * engine.ContextWidth];
        for (int i = 0; i < context.Length; i++)
            context[i] = engine.Spec.Context?.Classes is { } classes ? i % classes : 0.1f * (i % 7 - 3);
        return context;
    }

    private static IEnumerable<(string Name, Checkpoint Checkpoint)> Models()
    {
        string demos = Path.Combine(AppContext.BaseDirectory, "models");
        var all = GoldenModel.Names.Select(name => (name, GoldenModel.Read(name).Checkpoint))
            .Concat(Directory.GetDirectories(demos).SelectMany(Directory.GetDirectories).Select(folder => (Path.GetRelativePath(demos, folder), Checkpoint.Read(folder))));
        foreach (var (name, checkpoint) in all)
            if (HasForm(checkpoint))
                yield return (name, checkpoint);
    }

    private static bool HasForm(Checkpoint checkpoint)
    {
        try
        {
            GpuProgram.Of(CompiledFlow.Of(checkpoint), 1 << 17, new KernelText(isSingle: true));
            return true;
        }
        catch (NotCompiledException)
        {
            return false;
        }
    }
}
