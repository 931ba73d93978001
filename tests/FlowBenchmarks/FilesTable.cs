using System.Diagnostics;
using System.Globalization;
using FlowCli;
using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;

namespace FlowBenchmarks;

/// <summary>What files cost beside the flow itself: the rows/s of <c>flow score</c> from a file to a file, and of the same in memory.</summary>
internal static class FilesTable
{
    private const int Repeats = 3, Block = 8192;

    /// <param name="output">Where the table goes.</param>
    /// <param name="model">The folder of a calibrated model.</param>
    /// <param name="rows">How many rows are scored.</param>
    public static void Print(TextWriter output, string model, int rows)
    {
        string folder = Directory.CreateTempSubdirectory("flow-files").FullName;
        try
        {
            output.WriteLine(
                $"| {Path.GetFileName(model)}, {rows} rows, {Environment.ProcessorCount} cores | rows/s | of those in memory | CPU s | of those in memory |");
            output.WriteLine("|---|---:|---:|---:|---:|");
            (double, double) flow = Row(output, "in memory: the flow", rows, null, InMemory(model, rows, nears: false));
            (double, double) both = Row(output, "in memory: the flow and nearness", rows, null, InMemory(model, rows, nears: true));
            foreach (string kind in (string[])["npy", "parquet", "csv"])
            {
                string input = Path.Combine(folder, $"rows.{kind}"), scored = Path.Combine(folder, $"scored.{kind}");
                Flow("sample", "--model", model, "--count", $"{rows}", "--seed", "1", "--output", input);
                foreach ((string score, (double, double) memory) in (ReadOnlySpan<(string, (double, double))>)[("log_prob", flow), ("combined", both)])
                    Row(output, $"{kind}: `flow score --score {score}`", rows, memory,
                        () => Flow("score", "--model", model, "--input", input, "--output", scored, "--score", score, "--ignore-extra"));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Action InMemory(string model, int rows, bool nears)
    {
        string folder = Path.Combine(model, "1");
        Checkpoint checkpoint = Checkpoint.Read(folder);
        FlowEngine<float> engine = Engine.Open<float>(checkpoint, EngineKind.Auto, "cpu", Environment.ProcessorCount);
        KernelDensity kernel = CalibrationSet.Read(folder, checkpoint.Spec)!.Kernel!.Density;
        var noise = new NoiseRow[Block];
        NoiseRow.Fill(noise, 1, 0);
        float[] z = new float[Block * engine.Width], x = new float[z.Length];
        float[] logDet = new float[Block], logProb = new float[Block], logQ = new float[Block], temperature = new float[Block];
        Array.Fill(temperature, 1f);
        engine.Sample(noise, [], temperature, z, logQ, x, logDet, logProb);
        var near = new double[Block];
        return () =>
        {
            for (int first = 0; first < rows; first += Block)
            {
                engine.Forward(x, default, default, logDet, logProb);
                if (nears)
                    kernel.LogDensities<float>(x, near, Environment.ProcessorCount);
            }
        };
    }

    // The best of a few: others may be at work on the machine.
    private static (double Wall, double Processor) Row(TextWriter output, string what, int rows, (double Wall, double Processor)? memory, Action work)
    {
        work();
        double wall = double.PositiveInfinity, processor = double.PositiveInfinity;
        for (int i = 0; i < Repeats; i++)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            var clock = Stopwatch.StartNew();
            work();
            wall = Math.Min(wall, clock.Elapsed.TotalSeconds);
            processor = Math.Min(processor, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
        }
        string speed = memory is { } fast ? (fast.Wall / wall).ToString("0.00", CultureInfo.InvariantCulture) : "";
        string effort = memory is { } cheap ? (processor / cheap.Processor).ToString("0.00", CultureInfo.InvariantCulture) : "";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {rows / wall:N0} | {speed} | {processor:0.0} | {effort} |"));
        return (wall, processor);
    }

    private static void Flow(params string[] arguments)
    {
        using var error = new StringWriter();
        if (FlowCommand.Run(arguments, TextWriter.Null, error) != 0)
            throw new InvalidOperationException(error.ToString());
    }
}
