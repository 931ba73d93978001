using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Compiled.Steps;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Adds a linear map of the context, through a nonlinearity where one is named; nothing where there is no context.</summary>
public sealed record AddContextSpec : LayerSpec
{
    public Activation? Function { get; init; }

    internal override bool KeepsUnits => true;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        Function?.Check(at, "function");
        if (place.Context == 0)
            return;
        SpecScope layer = at.In("layer");
        layer.Need("weight", place.Width, place.Context);
        layer.Need("bias", place.Width);
    }

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        if (network.Context is not { } context)
            return h;
        WeightScope layer = weights.In("layer");
        Node added = network.Linear(context, layer.Take("weight", h.Units, context.Units), layer.Take("bias", h.Units), null);
        if (Function is { } f)
            added = f.Compile(network, added);
        return network.Map2<Sum>(h, h.Pixels.Length > 1 ? network.Spread(added, h) : added);
    }
}

/// <summary>h + f(W context + b); for an image, the same at every pixel.</summary>
public sealed class AddContext : Layer
{
    private readonly Activation? function;
    private readonly Linear? layer;

    internal AddContext(AddContextSpec spec, LayerPlace place) : base(nameof(AddContext))
    {
        function = spec.Function;
        layer = place.Context > 0 ? nn.Linear(place.Context, place.Width) : null;
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        if (layer is null)
            return h.alias().MoveToOuterDisposeScope();
        Tensor added = layer.call(context!);
        if (function is { } f)
            added = f.Apply(added);
        return (h + (h.dim() == 4 ? added.unsqueeze(-1).unsqueeze(-1) : added)).MoveToOuterDisposeScope();
    }
}
