using System.Numerics;
using System.Runtime.CompilerServices;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Steps;
using FlowCore.Engines.Compiled.Training;

namespace FlowCore.Engines.Compiled;

/// <summary>Operations in order, and the regions that a caller fills and reads.</summary>
internal sealed record FlowProgram(
    List<Operation> Operations, Region Input, Region Context, Region? Temperature, Region Output, Region LogDet, Region LogDensity)
{
    private const int MostRows = 48, TileBytes = 1 << 19, MostTrainingRows = 36, TrainingTileBytes = 1 << 21;

    /// <summary>What a caller uses: it keeps its place from the beginning to the end.</summary>
    private IEnumerable<Region> Kept => new[] { Input, Context, Temperature, Output, LogDet, LogDensity }.OfType<Region>().Distinct();

    private (int Rows, long RowValues)? laidOut;

    /// <summary>
    /// Lays the regions out and rounds the weights; what is packed stands in the dictionary for the next program. The regions lie alike in
    /// every number type, so that a program may be lowered to several: what fills a tile in float32 takes twice the memory in float64.
    /// </summary>
    public Program<T> Lower<T>(Dictionary<LinearWeights, PackedLinear<T>> packed)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var (rows, rowValues) = laidOut ??= LayOutTile();
        var lowering = new Lowering<T>(rows, packed);
        return new Program<T>(this, [.. Operations.Select(operation => operation.Lower(lowering))], rows, rowValues * rows);
    }

    /// <summary>
    /// The program with its way back, for a training: what a step reads stays until the step has gone back. Sizes of tiles are those
    /// of the type that trains, so that a batch is cut alike on every machine.
    /// </summary>
    /// <exception cref="NotCompiledException">A piece has no way back.</exception>
    public TrainingProgram<T> LowerForTraining<T>(WeightLayout weights)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Operations.Select(operation => operation.NoWayBack).OfType<string>().FirstOrDefault() is { } reason)
            throw new NotCompiledException(reason);
        int count = Operations.Count, end = 2 * count;
        var lives = new Dictionary<Region, (int Begin, int End)>();
        void Live(Region region, int from, int to) =>
            lives[region] = lives.TryGetValue(region, out var life) ? (Math.Min(life.Begin, from), Math.Max(life.End, to)) : (from, to);
        foreach (Region region in Kept)
            Live(region, -1, end);
        var clears = new Region[count][];
        var cleared = new HashSet<Region>();
        for (int i = count - 1; i >= 0; i--)
        {
            Region[] regions = [.. Operations[i].Regions.Distinct()];
            foreach (Region region in regions.Concat(Operations[i].Kept))
                Live(region, i, end - 1 - i);
            Region[] adjoints = [.. regions.Where(region => !region.HoldsSums).Select(region => region.Adjoint)];
            foreach (Region adjoint in adjoints)
                Live(adjoint, end - 1 - i, end - 1 - i);
            clears[i] = [.. adjoints.Where(cleared.Add)];
        }
        // That of the input is the caller's to read.
        Live(Input.Adjoint, lives.GetValueOrDefault(Input.Adjoint, (Begin: end, End: end)).Begin, end);
        Live(Context.Adjoint, lives.GetValueOrDefault(Context.Adjoint, (Begin: end, End: end)).Begin, end);
        long rowValues = LayOut(lives);
        long fitting = TrainingTileBytes / Math.Max(1, rowValues * sizeof(float));
        int rows = (int)Math.Clamp(fitting >= 12 ? fitting / 12 * 12 : fitting, 1, MostTrainingRows);
        foreach (Region region in lives.Keys)
            region.Offset *= rows;
        var lowering = new Lowering<T>(rows, [], weights);
        Step<T>[] steps = [.. Operations.Select(operation => operation.Lower(lowering))];
        return new TrainingProgram<T>(this, steps, clears, rows, rowValues * rows);
    }

    private (int Rows, long RowValues) LayOutTile()
    {
        long rowValues = LayOut();
        long fitting = TileBytes / Math.Max(1, rowValues * sizeof(float));
        // Whole blocks of twelve rows where they fit.
        int rows = (int)Math.Clamp(fitting >= 12 ? fitting / 12 * 12 : fitting, 1, MostRows);
        foreach (Region region in Operations.SelectMany(operation => operation.Regions).Concat(Kept).Distinct())
            region.Offset *= rows;
        return (rows, rowValues);
    }

    /// <summary>Gives each region the first place that is free while it lives; returns the values of one row.</summary>
    public long LayOut()
    {
        var lives = new Dictionary<Region, (int Begin, int End)>();
        foreach (Region region in Kept)
            lives[region] = (-1, int.MaxValue);
        for (int i = 0; i < Operations.Count; i++)
            foreach (Region region in Operations[i].Regions)
                lives[region] = lives.TryGetValue(region, out var life) ? (Math.Min(life.Begin, i), Math.Max(life.End, i)) : (i, i);
        return LayOut(lives);
    }

    private static long LayOut(Dictionary<Region, (int Begin, int End)> lives)
    {
        var placed = new List<(Region Region, int End)>();
        long size = 0;
        foreach (var (region, life) in lives.OrderBy(each => each.Value.Begin))
        {
            long width = new Region(region.Width).Width, at = 0;
            foreach (var (other, _) in placed.Where(other => other.End >= life.Begin).OrderBy(other => other.Region.Offset))
            {
                if (other.Offset >= at + width)
                    break;
                at = Math.Max(at, other.Offset + new Region(other.Width).Width);
            }
            region.Offset = at;
            placed.Add((region, life.End));
            size = Math.Max(size, at + width);
        }
        return size;
    }
}

/// <summary>A program in its number type: steps that threads share, each with memory of its own for one tile.</summary>
internal sealed class Program<T>(FlowProgram plan, Step<T>[] steps, int tileRows, long memoryValues)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public FlowProgram Plan => plan;

    /// <summary>The most rows that go through at once.</summary>
    public int TileRows => tileRows;

    public long MemoryValues => memoryValues;

    public IReadOnlyList<Step<T>> Steps => steps;

    // Compiled once and for good: with a profile the runtime would guess which kind of step comes and inline a part of it here, leaving calls
    // in its loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public void Run(in Tile<T> tile)
    {
        foreach (Step<T> step in steps)
            step.Run(tile);
    }
}
