using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled.Network;

/// <summary>(v - before) factor + after, unit by unit.</summary>
internal sealed class ScaleNode : Node
{
    public required Node Input { get; init; }

    public required AffineMap Map { get; init; }

    public override IEnumerable<Operation> All() => Of([.. Enumerable.Range(0, Units)]);

    protected override IEnumerable<Operation> Of(int[] units)
    {
        int[] sorted = [.. units.OrderBy(unit => Columns[unit])];
        var each = (from pixel in Enumerable.Range(0, Pixels.Length) from unit in sorted select (pixel, unit)).ToArray();
        return [new ScaleOperation(
            Input.Region, [.. each.Select(at => Input.Pixels[at.pixel] + Input.Columns[at.unit])],
            Region, [.. each.Select(at => Pixels[at.pixel] + Columns[at.unit])],
            Map.Before.Pick([.. each.Select(at => at.unit)]), Map.Diagonal!.Pick([.. each.Select(at => at.unit)]), Map.After.Pick([.. each.Select(at => at.unit)]))];
    }
}

/// <summary>Layer normalisation of a vector.</summary>
internal sealed class NormNode : Node
{
    public required Node Input { get; init; }

    public required double Epsilon { get; init; }

    public override IEnumerable<Operation> All() => [new NormOperation(Input.Region, Region, Units, Epsilon)];

    protected override IEnumerable<Operation> Of(int[] units) => All();
}
