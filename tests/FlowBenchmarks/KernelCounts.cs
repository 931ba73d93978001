using System.Globalization;
using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Gpu;
using FlowCore.Tests.Golden;

namespace FlowBenchmarks;

/// <summary>What can be said of a flow's kernels without a GPU: what they need and do, by their text, and what an H100 would make of that.</summary>
internal static class KernelCounts
{
    // An H100 SXM: multiprocessors, instructions of a warp that each issues in a cycle, cycles a second, memory of a block's own, bytes a
    // second over PCIe 5.
    private const int Multiprocessors = 132, Issues = 4, SharedBytes = 232448;
    private const double Clock = 1.98e9, Bus = 50e9;

    // What is assumed for predictions: every second cycle issues; a batch costs so much beside (launch, two copies, waiting); a line of
    // weights comes from the second-level cache after so many cycles, sixteen of them together.
    private const double Share = 0.5, Fixed = 15e-6, Latency = 350, Together = 16;

    public static void Print(TextWriter output)
    {
        output.WriteLine(
            "| model | kernel | rows a block | shared memory a block | multiply-adds a row | instructions a row | weights | bytes a row over the bus "
            + "| most rows/s by instructions | us for 1 row | us for 4096 | us for 262144 |");
        output.WriteLine("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var (what, checkpoint) in Models())
            foreach (bool allowsTf32 in (bool[])[false, true])
            {
                var text = new KernelText(isSingle: true, allowsTf32);
                GpuProgram program = GpuProgram.Of(CompiledFlow.Of(checkpoint), SharedBytes, text);
                foreach (GpuProgram.Kernel kernel in program.Kernels[..2])
                {
                    // Thirty-two lanes to an instruction.
                    double perRow = 32.0 * kernel.Instructions / program.MostRows, rows = Multiprocessors * Issues * 32 * Clock / perRow;
                    int bytes = sizeof(float) * (checkpoint.Spec.Width + checkpoint.Spec.ContextWidth + 2 + (kernel.Name == GpuProgram.Inverse ? checkpoint.Spec.Width : 0));
                    string shared = kernel.IsShared ? $"{kernel.TileBytes / 1024} KB" : $"none ({kernel.TileBytes / 1024} KB of the device's)";
                    string Microseconds(int count) => (1e6 * Predicted(program, kernel, count, bytes)).ToString("0", CultureInfo.InvariantCulture);
                    output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"| {what} | {kernel.Name}{(allowsTf32 ? ", TF32" : "")} | {program.MostRows} | {shared} | {kernel.Products} | {perRow:0} "
                        + $"| {text.Numbers<float>().Length * sizeof(float) / 1024} KB | {bytes} | {rows / 1e6:0} M | {Microseconds(1)} | {Microseconds(4096)} | {Microseconds(262144)} |"));
                }
            }
    }

    /// <summary>Writes the kernels' text into files, one for each model, for whoever has a compiler.</summary>
    public static void WriteTexts(TextWriter output, string folder)
    {
        Directory.CreateDirectory(folder);
        int number = 0;
        var others = GoldenModel.Names.Where(name => name.StartsWith("zuko/", StringComparison.Ordinal)).Select(name => (name, GoldenModel.Read(name).Checkpoint));
        foreach (var (what, checkpoint) in Models().Concat(others))
            foreach (var (isSingle, allowsTf32) in ((bool, bool)[])[(true, false), (true, true), (false, false)])
            {
                var text = new KernelText(isSingle, allowsTf32);
                GpuProgram.Of(CompiledFlow.Of(checkpoint), SharedBytes, text);
                string file = Path.Combine(folder, FormattableString.Invariant($"{number++}.cu"));
                File.WriteAllText(file, text.Text);
                output.WriteLine($"{file}: {what}, {(isSingle ? "float32" : "float64")}{(allowsTf32 ? ", TF32" : "")}");
            }
    }

    private static (string What, Checkpoint Checkpoint)[] Models() =>
    [
        ("normflows/realnvp_masked", GoldenModel.Read("normflows/realnvp_masked").Checkpoint),
        ("RealNVP: 8 couplings, 30 features, 128 x 2", GpuTable.Table("realnvp")),
        ("RQ-NSF coupling: 6 layers, 16 features, 128 x 2, 8 bins", GpuTable.Table("nsf")),
        ("autoregressive NSF: 32 features, 128 x 2", GpuTable.Table("autoregressive-nsf")),
        ("Glow digits demo", Checkpoint.Read(Path.Combine(AppContext.BaseDirectory, "models", "digits", "1"))),
    ];

    // Rows come and go while others are computed, in parts; what is longer decides.
    private static double Predicted(GpuProgram program, GpuProgram.Kernel kernel, int rows, int bytes)
    {
        if (rows == 1)
            return Fixed + kernel.Depth / Together * Latency / Clock;
        int tiles = (rows + program.MostRows - 1) / program.MostRows;
        double computed = (tiles + Multiprocessors - 1) / Multiprocessors * (double)kernel.Instructions / (Issues * Share * Clock);
        return Fixed + Math.Max(computed, (double)rows * bytes / Bus);
    }
}
