using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled.Network;

/// <summary>Values that stand somewhere already: features, the context.</summary>
internal sealed class InputNode : Node
{
    public override IEnumerable<Operation> All() => [];

    protected override IEnumerable<Operation> Of(int[] units) => [];
}

/// <summary>Branches whose units take turns: unit i of branch b is unit i B + b.</summary>
internal sealed class ParallelNode : Node
{
    public required Node[] Branches { get; init; }

    public override Place At(int unit, int pixel) => Branches[unit % Branches.Length].At(unit / Branches.Length, pixel);

    public override IEnumerable<Operation> All() => [];

    protected override IEnumerable<Operation> Of(int[] units) => [];
}
