using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled.Network;

/// <summary>
/// What a layer of a conditioner gives: units (of every pixel) in a region. In an autoregressive network a unit is ready for a pass
/// when all that it depends on is known; a pass computes only the units that have become ready.
/// </summary>
internal abstract class Node
{
    public required Region Region { get; init; }

    /// <summary>The column of each unit, counted from its pixel.</summary>
    public required int[] Columns { get; init; }

    /// <summary>Where each pixel begins in a row; one 0 for a vector.</summary>
    public int[] Pixels { get; init; } = [0];

    /// <summary>Height and width of an image.</summary>
    public (int Height, int Width) Image { get; init; } = (1, 1);

    /// <summary>The first pass for which each unit is known; null where all are from the start.</summary>
    public int[]? Ready { get; init; }

    /// <summary>Whether more than one layer reads it, so that nothing may be folded into it.</summary>
    public bool Shared { get; set; }

    public int Units => Columns.Length;

    /// <summary>Where a unit stands: in the region, but for parallel branches.</summary>
    public virtual Place At(int unit, int pixel) => new(Region, Pixels[pixel] + Columns[unit]);

    /// <summary>The operations that compute all units.</summary>
    public abstract IEnumerable<Operation> All();

    /// <summary>The operations that compute the units that have become ready for a pass.</summary>
    public IEnumerable<Operation> Pass(int pass)
    {
        int[] units = Ready is null
            ? pass == 0 ? [.. Enumerable.Range(0, Units)] : []
            : [.. Enumerable.Range(0, Units).Where(unit => Ready[unit] == pass)];
        return units.Length == 0 ? [] : Of(units);
    }

    /// <summary>The operations that compute these units of a vector.</summary>
    protected abstract IEnumerable<Operation> Of(int[] units);

    /// <summary>The columns from the first to the last of some units: what lies between is computed again, to the same values.</summary>
    protected (int First, int Count) Range(int[] units)
    {
        int first = units.Min(unit => Columns[unit]);
        return (first, units.Max(unit => Columns[unit]) - first + 1);
    }
}
