using System.Globalization;
using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Gpu;
using FlowCore.Tests.Golden;

namespace FlowBenchmarks;

/// <summary>What can be said of a flow's kernels without a GPU: what they need and do, by their text, and what an H100 would make of that.</summary>
internal static class KernelCounts
{
    // An H100 SXM: multiprocessors, instructions of a warp that each issues in a cycle, cycles a second, memory of a block's own.
    private const int Multiprocessors = 132, Issues = 4, SharedBytes = 232448;
    private const double Clock = 1.98e9;

    public static void Print(TextWriter output)
    {
        output.WriteLine("| model | kernel | rows a block | shared memory a block | multiply-adds a row | instructions a row | weights | most rows/s by instructions |");
        output.WriteLine("|---|---|---:|---:|---:|---:|---:|---:|");
        (string What, Checkpoint Checkpoint)[] models =
        [
            ("normflows/realnvp_masked", GoldenModel.Read("normflows/realnvp_masked").Checkpoint),
            ("RealNVP: 8 couplings, 30 features, 128 x 2", EngineTable.Random(EngineTable.RealNvp())),
            ("RQ-NSF coupling: 6 layers, 16 features, 128 x 2, 8 bins", EngineTable.Random(EngineTable.Nsf())),
            ("autoregressive NSF: 32 features, 128 x 2", EngineTable.Random(EngineTable.AutoregressiveNsf())),
            ("Glow digits demo", Checkpoint.Read(Path.Combine(AppContext.BaseDirectory, "models", "digits", "1"))),
        ];
        foreach (var (what, checkpoint) in models)
        {
            var text = new KernelText(isSingle: true);
            GpuProgram program = GpuProgram.Of(CompiledFlow.Of(checkpoint), SharedBytes, text);
            foreach (GpuProgram.Kernel kernel in program.Kernels[..2])
            {
                // Thirty-two lanes to an instruction.
                double perRow = 32.0 * kernel.Instructions / program.MostRows, rows = Multiprocessors * Issues * 32 * Clock / perRow;
                string shared = kernel.IsShared ? $"{kernel.TileBytes / 1024} KB" : $"none ({kernel.TileBytes / 1024} KB of the device's)";
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"| {what} | {kernel.Name} | {program.MostRows} | {shared} | {kernel.Products} | {perRow:0} | {text.Numbers<float>().Length * sizeof(float) / 1024} KB | {rows / 1e6:0} M |"));
            }
        }
    }
}
