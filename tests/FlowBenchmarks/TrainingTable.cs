using System.Diagnostics;
using FlowCore;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Tensors;
using FlowCore.Training;

namespace FlowBenchmarks;

/// <summary>
/// Steps a second of the compiled trainer beside TorchSharp's, on one thread each: the same network, rows and optimiser, medians of five
/// paired runs.
/// </summary>
internal static class TrainingTable
{
    private const int Runs = 5;
    private static readonly TimeSpan OneRun = TimeSpan.FromSeconds(0.5);

    private sealed record Case(string Name, Func<FlowSpec> Spec, int Batch);

    public static void Print(TextWriter output, string? only)
    {
        Libtorch.Threads = 1;
        Case[] cases =
        [
            Table(FlowPresets.Nsf, 6, 32), Table(FlowPresets.Nsf, 6, 128), Table(FlowPresets.Nsf, 30, 256),
            Table(FlowPresets.RealNvp, 6, 64), Table(FlowPresets.RealNvp, 30, 256),
            Table(FlowPresets.Maf, 16, 64), Table(FlowPresets.NsfAutoregressive, 16, 64),
            Images("Glow, 8 x 8 digits", 8, 17, 64), Images("Glow, 28 x 28 digits", 28, 256, 64),
        ];
        output.WriteLine(
            "| measure | TorchSharp, steps/s | compiled, steps/s | ratio | two threads against one "
            + "| linear steps' share of the core's peak, forth, back | bytes allocated by 100 steps |");
        output.WriteLine("|---|---:|---:|---:|---:|---:|---:|");
        foreach (Case each in cases.Where(each => only is null || each.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
        {
            using var torch = new Session(each, EngineKind.Torch, 1);
            using var one = new Session(each, EngineKind.Compiled, 1);
            using var two = new Session(each, EngineKind.Compiled, 2);
            double[][] rates = [new double[Runs], new double[Runs], new double[Runs]];
            for (int run = 0; run < Runs; run++)
            {
                rates[0][run] = torch.StepsPerSecond();
                rates[1][run] = one.StepsPerSecond();
                rates[2][run] = two.StepsPerSecond();
            }
            double[] medians = [.. rates.Select(values => values.Order().ElementAt(Runs / 2))];
            double peak = LinearThroughput.SquarePeak();
            var (forth, back) = LinearThroughput.InTraining(EngineTable.Random(each.Spec()), each.Batch);
            output.WriteLine(FormattableString.Invariant(
                $"| {each.Name}, batch {each.Batch} | {medians[0]:F1} | {medians[1]:F1} | {medians[1] / medians[0]:F1}x | {medians[2] / medians[1]:F2}x ")
                + FormattableString.Invariant($"| {forth / peak:p0}, {back / peak:p0} | {one.AllocatedBy(100)} |"));
            output.Flush();
        }
    }

    private static Case Table(string preset, int columns, int batch) =>
        new($"{preset}, {columns} columns", () => FlowPresets.Create(preset, "benchmark", columns), batch);

    private static Case Images(string name, int side, int levels, int batch) =>
        new(name, () => ImagePresets.Create(ImagePresets.Glow, "benchmark", [1, side, side], new PixelValues(0, levels - 1, 1), classes: 10), batch);

    /// <summary>One learner, and batches to feed it.</summary>
    private sealed class Session : IDisposable
    {
        private readonly Flow flow;
        private readonly Learner learner;
        private readonly float[] rows, contexts;

        public Session(Case of, EngineKind engine, int threads)
        {
            FlowSpec spec = of.Spec();
            bool images = spec.EventShape.Length > 1;
            flow = StartingPoint.Build(spec, seed: 1);
            (rows, contexts) = (new float[of.Batch * spec.Width], new float[of.Batch * spec.ContextWidth]);
            Noise.FillNormal(1, 0, spec.Width, rows.AsSpan());
            for (int i = 0; images && i < rows.Length; i++)
                rows[i] = 8 + 2 * Math.Clamp(rows[i], -3, 3);
            learner = Learner.Of(flow, new() { Engine = engine, Threads = threads }, 1000);
            StepsPerSecond();
        }

        public double StepsPerSecond()
        {
            var clock = Stopwatch.StartNew();
            int steps = 0;
            for (; steps < 3 || clock.Elapsed < OneRun; steps++)
                learner.Step(rows, contexts, 1e-3);
            return steps / clock.Elapsed.TotalSeconds;
        }

        public long AllocatedBy(int steps)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < steps; i++)
                learner.Step(rows, contexts, 1e-3);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        public void Dispose()
        {
            learner.Dispose();
            flow.Dispose();
        }
    }
}
