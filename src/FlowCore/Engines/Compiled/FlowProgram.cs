using System.Numerics;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled;

/// <summary>Operations in order, and the regions that a caller fills and reads.</summary>
internal sealed record FlowProgram(
    List<Operation> Operations, Region Input, Region Context, Region? Temperature, Region Output, Region LogDet, Region LogDensity)
{
    private const int MostRows = 48, TileBytes = 1 << 19;

    /// <summary>What a caller uses: it keeps its place from the beginning to the end.</summary>
    private IEnumerable<Region> Kept => new[] { Input, Context, Temperature, Output, LogDet, LogDensity }.OfType<Region>().Distinct();

    /// <summary>Lays the regions out and rounds the weights.</summary>
    public Program<T> Lower<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long rowValues = LayOut();
        long fitting = TileBytes / Math.Max(1, rowValues * System.Runtime.CompilerServices.Unsafe.SizeOf<T>());
        // Whole blocks of twelve rows where they fit.
        int rows = (int)Math.Clamp(fitting >= 12 ? fitting / 12 * 12 : fitting, 1, MostRows);
        foreach (Region region in Operations.SelectMany(operation => operation.Regions).Concat(Kept).Distinct())
            region.Offset *= rows;
        var lowering = new Lowering<T>(rows);
        return new Program<T>(this, [.. Operations.Select(operation => operation.Lower(lowering))], rows, rowValues * rows);
    }

    /// <summary>Gives each region the first place that is free while it lives; returns the values of one row.</summary>
    private long LayOut()
    {
        var lives = new Dictionary<Region, (int Begin, int End)>();
        foreach (Region region in Kept)
            lives[region] = (-1, int.MaxValue);
        for (int i = 0; i < Operations.Count; i++)
            foreach (Region region in Operations[i].Regions)
                lives[region] = lives.TryGetValue(region, out var life) ? (Math.Min(life.Begin, i), Math.Max(life.End, i)) : (i, i);
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

    public void Run(in Tile<T> tile)
    {
        foreach (Step<T> step in steps)
            step.Run(tile);
    }
}
