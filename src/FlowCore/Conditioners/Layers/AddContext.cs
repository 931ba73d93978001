using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
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
        if (place.Context.Width == 0)
            return;
        place.Context.Check(at, place);
        SpecScope layer = at.In("layer");
        layer.Need("weight", place.Width, place.Context.Width);
        layer.Need("bias", place.Width);
    }

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        if (network.Context is not { } context)
            return h;
        WeightScope layer = weights.In("layer");
        // At the context's own pixels, which are fewer.
        Formula weight = layer.Take("weight", h.Units, context.Units), bias = layer.Take("bias", h.Units);
        Node added = context.Pixels.Length > 1 ? network.Convolution(context, weight, bias, new Kernel(1, 1), border: 0, null) : network.Linear(context, weight, bias, null);
        if (Function is { } f)
            added = f.Compile(network, added);
        return network.Map2<Sum>(h, network.At(added, h));
    }
}

/// <summary>h + f(W context + b); for an image at each pixel, which reads the context's own pixel where that is an image.</summary>
public sealed class AddContext : Layer
{
    private readonly Activation? function;
    private readonly Linear? layer;

    internal AddContext(AddContextSpec spec, LayerPlace place) : base(nameof(AddContext))
    {
        function = spec.Function;
        layer = place.Context.Width > 0 ? nn.Linear(place.Context.Width, place.Width) : null;
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        if (layer is null)
            return h.alias().MoveToOuterDisposeScope();
        Tensor added = context!.dim() == 4 ? layer.call(context.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) : layer.call(context);
        if (function is { } f)
            added = f.Apply(added);
        return (h + ContextPlace.At(added, h)).MoveToOuterDisposeScope();
    }
}
