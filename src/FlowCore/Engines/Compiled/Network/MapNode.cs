using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled.Network;

/// <summary>A function of each unit.</summary>
internal sealed class MapNode<TMap> : Node
    where TMap : IMap
{
    public required Node Input { get; init; }

    public double Parameter { get; init; }

    public override IEnumerable<Operation> All() => [new MapOperation<TMap>(Input.Region, Region, 0, Region.Width, Parameter)];

    protected override IEnumerable<Operation> Of(int[] units)
    {
        var (first, count) = Range(units);
        return [new MapOperation<TMap>(Input.Region, Region, first, count, Parameter)];
    }
}

/// <summary>A function of two nodes of one layout, unit by unit.</summary>
internal sealed class Map2Node<TMap> : Node
    where TMap : IMap2
{
    public required Node A { get; init; }

    public required Node B { get; init; }

    public override IEnumerable<Operation> All() => [new Map2Operation<TMap>(A.Region, B.Region, Region, 0, Region.Width)];

    protected override IEnumerable<Operation> Of(int[] units)
    {
        var (first, count) = Range(units);
        return [new Map2Operation<TMap>(A.Region, B.Region, Region, first, count)];
    }
}
