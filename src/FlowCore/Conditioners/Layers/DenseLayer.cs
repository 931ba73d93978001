using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Keeps what comes in beside what other layers make of it.</summary>
public sealed record DenseLayerSpec : LayerSpec
{
    public required LayerSpec[] Inner { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        if (Check(Inner, at, "inner", "inner", place).Image != place.Image)
            throw at.Refusal("inner", "leads to an image of another size, which does not stand beside what comes in");
    }

    internal override int[] Known(int[] known, LayerPlace place, WeightScope weights) => [.. known, .. Known(Inner, "inner", known, place, weights)];

    internal override LayerPlace After(LayerPlace place) =>
        place.Wide((long)place.Width + Inner.Aggregate(place, (end, layer) => layer.After(end)).Width);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        h.Shared = true;
        return network.Concat(h, network.Layers(Inner, "inner", h, weights, null));
    }
}

/// <summary>[h, inner(h)]: a dense connection (Huang, Liu, van der Maaten, Weinberger 2017, arXiv 1608.06993).</summary>
public sealed class DenseLayer : Layer
{
    private readonly ModuleList<Layer> inner;

    internal DenseLayer(DenseLayerSpec spec, LayerPlace place) : base(nameof(DenseLayer))
    {
        inner = Network.BuildLayers(spec.Inner, ref place);
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor more = h;
        foreach (Layer layer in inner)
            more = layer.Forward(more, context);
        return cat([h, more], 1).MoveToOuterDisposeScope();
    }
}
