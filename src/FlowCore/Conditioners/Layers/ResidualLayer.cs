using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>A residual block around other layers.</summary>
public sealed record ResidualLayerSpec : LayerSpec
{
    public required LayerSpec[] Inner { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        LayerPlace end = Check(Inner, at, "inner", "inner", place);
        if (end.Image != place.Image)
            throw at.Refusal("inner", $"leads from {place.Pixels} pixels to {end.Pixels}; a residual block keeps them");
        if (end.Width != place.Width)
            throw at.Refusal("inner", $"leads from a width of {place.Width} to {end.Width}; a residual block keeps the width");
    }

    internal override int[] Known(int[] known, LayerPlace place, WeightScope weights) =>
        [.. known.Zip(Known(Inner, "inner", known, place, weights), Math.Max)];

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        h.Shared = true;
        return network.Sum(h, network.Layers(Inner, "inner", h, weights, NetworkCompiler.OrderOf(h)));
    }
}

/// <summary>h + inner(h) (He, Zhang, Ren, Sun 2016, arXiv 1603.05027).</summary>
public sealed class ResidualLayer : Layer
{
    private readonly ModuleList<Layer> inner;

    internal ResidualLayer(ResidualLayerSpec spec, LayerPlace place) : base(nameof(ResidualLayer))
    {
        LayerPlace end = place;
        inner = Network.BuildLayers(spec.Inner, ref end);
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor update = h;
        foreach (Layer layer in inner)
            update = layer.Forward(update, context);
        return (h + update).MoveToOuterDisposeScope();
    }
}
