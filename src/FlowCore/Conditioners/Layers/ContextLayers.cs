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

    internal override void Check(SpecScope at, LayerPlace place) => place.Context.Check(at, place);

    internal override int[] Known(int[] known, LayerPlace place, WeightScope weights) => [.. known, .. new int[place.Context.Width]];

    internal override LayerPlace After(LayerPlace place) => place.Wide((long)place.Width + place.Context.Width);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) =>
        network.Context is not { } context ? h : h.Units == 0 ? network.At(context, h) : network.Concat(h, network.At(context, h));
}

/// <summary>[h, context], at every pixel of an image.</summary>
public sealed class ConcatContext() : Layer(nameof(ConcatContext))
{
    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return (context is null ? h.alias() : cat([h, ContextPlace.At(context, h)], 1)).MoveToOuterDisposeScope();
    }
}

/// <summary>Lets the context gate the features; nothing where there is no context.</summary>
public sealed record GateByContextSpec : LayerSpec
{
    internal override bool KeepsUnits => true;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsVector(at);
        place.Context.Check(at, place);
        if (place.Context.Width == 0)
            return;
        SpecScope gate = at.In("gate");
        gate.Need("weight", place.Width, place.Context.Width);
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
        gate = place.Context.Width > 0 ? nn.Linear(place.Context.Width, place.Width) : null;
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return (gate is null ? h.alias() : h * gate.call(context!).sigmoid()).MoveToOuterDisposeScope();
    }
}
