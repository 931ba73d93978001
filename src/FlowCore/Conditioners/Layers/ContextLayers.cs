using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Compiled.Steps;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Puts the context beside the features; nothing where there is no context.</summary>
public sealed record ConcatContextSpec : LayerSpec
{
    internal override bool NeedsUnits => false;

    internal override void Check(SpecScope at, LayerPlace place) => place.NeedsVector(at);

    internal override int[] Known(int[] known, LayerPlace place, WeightScope weights) => [.. known, .. new int[place.Context]];

    internal override LayerPlace After(LayerPlace place) => place.Wide((long)place.Width + place.Context);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) =>
        network.Context is not { } context ? h : h.Units == 0 ? context : network.Concat(h, context);
}

/// <summary>[h, context].</summary>
public sealed class ConcatContext() : Layer(nameof(ConcatContext))
{
    public override Tensor Forward(Tensor h, Tensor? context) => context is null ? h.alias() : cat([h, context], 1);
}

/// <summary>Lets the context gate the features; nothing where there is no context.</summary>
public sealed record GateByContextSpec : LayerSpec
{
    internal override bool KeepsUnits => true;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsVector(at);
        if (place.Context == 0)
            return;
        SpecScope gate = at.In("gate");
        gate.Need("weight", place.Width, place.Context);
        gate.Need("bias", place.Width);
    }

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        if (network.Context is not { } context)
            return h;
        WeightScope gate = weights.In("gate");
        return network.Map2<Gate>(h, network.Linear(context, gate.Take("weight", h.Units, context.Units), gate.Take("bias", h.Units), NetworkCompiler.OrderOf(h)));
    }
}

/// <summary>h * sigmoid(G context + g), the gated linear unit of neural spline flows.</summary>
public sealed class GateByContext : Layer
{
    private readonly Linear? gate;

    internal GateByContext(LayerPlace place) : base(nameof(GateByContext))
    {
        gate = place.Context > 0 ? nn.Linear(place.Context, place.Width) : null;
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return (gate is null ? h.alias() : h * gate.call(context!).sigmoid()).MoveToOuterDisposeScope();
    }
}
