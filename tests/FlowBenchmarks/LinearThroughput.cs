using System.Diagnostics;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Steps;
using FlowCore.Engines.Compiled.Training;
using FlowCore.Training;

namespace FlowBenchmarks;

/// <summary>Floating-point operations per second of the compiled engine's linear steps: on a square matrix, and in a flow's conditioners.</summary>
internal static class LinearThroughput
{
    private const int Side = 256, Repeats = 9;

    /// <summary>The best of several runs of one square layer on a full tile, in GFLOP/s: what this core can do.</summary>
    public static double SquarePeak()
    {
        Formula matrix = Formula.Fixed([.. Enumerable.Range(0, Side * Side).Select(i => 1.0 / (1 + i / Side + i % Side))]);
        Region input = new(Side), output = new(Side);
        var layer = new LinearOperation
        {
            Weights = new LinearWeights(matrix, Formula.Repeated(0, Side), [.. Enumerable.Range(0, Side)]),
            Input = input,
            InputPixels = [0],
            Output = output,
            OutputPixels = [0],
        };
        Program<float> program = new FlowProgram([layer], input, new Region(0), null, output, Region.OfSums(), Region.OfSums()).Lower<float>([]);
        return Enumerable.Range(0, Repeats).Max(_ => Throughput(program, program.TileRows * 8, 2.0 * Side * Side));
    }

    /// <summary>The median of several runs of a flow's linear steps alone, tile by tile, in GFLOP/s.</summary>
    public static double OfConditioners(Checkpoint checkpoint, int rows)
    {
        FlowProgram plan = CompiledFlow.Of(checkpoint).Forward;
        double perRow = plan.Operations.OfType<LinearOperation>().Sum(layer => 2.0 * layer.Weights.Outputs * layer.Weights.Index.Length * layer.InputPixels.Length);
        Program<float> program = (plan with { Operations = [.. plan.Operations.OfType<LinearOperation>()] }).Lower<float>([]);
        return Enumerable.Range(0, Repeats).Select(_ => Throughput(program, rows, perRow)).Order().ElementAt(Repeats / 2);
    }

    /// <summary>
    /// The medians of a training's linear steps alone, on their way forth and back, in GFLOP/s; what a mask leaves out does not count.
    /// </summary>
    public static unsafe (double Forth, double Back) InTraining(Checkpoint checkpoint, int rows)
    {
        var layout = new WeightLayout();
        FlowProgram plan = CompiledFlow.ForTraining(checkpoint).Program;
        TrainingProgram<float> program = plan.LowerForTraining<float>(layout);
        using var workers = new Workers(1);
        var optimizer = new Optimizer<float>(program, layout, new Dictionary<string, LearningRate>(), mostShares: 1, workers);
        optimizer.MakeRoom(1);
        float[] memory = GC.AllocateArray<float>((int)program.MemoryValues + 128, pinned: true);
        int tileRows = Math.Min(rows, program.TileRows);
        var tile = new Tile<float>(
            Pinned.Aligned(memory), tileRows, program.MemoryValues, optimizer.Weights, optimizer.Cleared(0), -1f / rows);
        Noise.FillNormal(1, 0, plan.Input.Width, new Span<float>(tile.At(plan.Input), tileRows * plan.Input.Width));
        double perRow = plan.Operations.OfType<LinearOperation>()
            .Sum(layer => 2.0 * layer.Weights.Matrix.Values.Count(weight => weight != 0) * layer.InputPixels.Length);
        (double Forth, double Back)[] runs = [.. Enumerable.Range(0, Repeats).Select(_ => LinearSeconds(program, tile))];
        // The way back has two products for each of the way forth: the gradient of the weights, and that of the inputs.
        return (perRow * tileRows / runs.Select(run => run.Forth).Order().ElementAt(Repeats / 2) / 1e9,
            2 * perRow * tileRows / runs.Select(run => run.Back).Order().ElementAt(Repeats / 2) / 1e9);
    }

    /// <summary>The seconds that a tile spends in linear steps, forth and back.</summary>
    private static (double Forth, double Back) LinearSeconds(TrainingProgram<float> program, in Tile<float> tile)
    {
        (long forth, long back, int rounds) = (0, 0, 0);
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalMilliseconds < 100; rounds++)
        {
            foreach (Step<float> step in program.Steps)
            {
                long began = Stopwatch.GetTimestamp();
                step.Run(tile);
                forth += IsLinear(step) ? Stopwatch.GetTimestamp() - began : 0;
            }
            for (int i = program.Steps.Count - 1; i >= 0; i--)
            {
                long began = Stopwatch.GetTimestamp();
                program.Back(i, tile);
                back += IsLinear(program.Steps[i]) ? Stopwatch.GetTimestamp() - began : 0;
            }
        }
        double unit = (double)rounds * Stopwatch.Frequency;
        return (forth / unit, back / unit);
    }

    private static bool IsLinear(Step<float> step) =>
        step is LinearStep<float, Lanes512<float>, N12> or LinearStep<float, Lanes256<float>, N6>;

    /// <summary>Where a batch's time goes: nanoseconds a row for each kind of step.</summary>
    public static unsafe void PrintSteps(TextWriter output, Checkpoint checkpoint, bool inverse, int rows)
    {
        CompiledFlow flow = CompiledFlow.Of(checkpoint);
        Program<float> program = (inverse ? flow.Inverse : flow.Forward).Lower<float>([]);
        float[] memory = GC.AllocateArray<float>((int)program.MemoryValues + 128, pinned: true);
        float* aligned = Pinned.Aligned(memory);
        var tile = new Tile<float>(aligned, Math.Min(rows, program.TileRows));
        var times = new Dictionary<string, long>();
        const int Rounds = 4000;
        for (int i = 0; i < Rounds; i++)
            foreach (Step<float> step in program.Steps)
            {
                long began = Stopwatch.GetTimestamp();
                step.Run(tile);
                if (i > Rounds / 2)
                    times[step.GetType().Name] = times.GetValueOrDefault(step.GetType().Name) + Stopwatch.GetTimestamp() - began;
            }
        foreach (var (name, ticks) in times.OrderByDescending(each => each.Value))
            output.WriteLine($"{name}: {ticks * 1e9 / Stopwatch.Frequency / (Rounds / 2) / tile.Rows:0.0} ns a row");
    }

    private static unsafe double Throughput(Program<float> program, int rows, double perRow)
    {
        float[] memory = GC.AllocateArray<float>((int)program.MemoryValues + 128, pinned: true);
        float* aligned = Pinned.Aligned(memory);
        long began = Stopwatch.GetTimestamp();
        int batches = 0;
        do
        {
            for (int first = 0; first < rows; first += program.TileRows)
                program.Run(new Tile<float>(aligned, Math.Min(program.TileRows, rows - first)));
            batches++;
        }
        while (Stopwatch.GetElapsedTime(began).TotalMilliseconds < 30);
        return batches * perRow * rows / Stopwatch.GetElapsedTime(began).TotalNanoseconds;
    }
}
