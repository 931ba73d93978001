using FlowCore.Engines.Compiled;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>A fixed z-score in front of an embedding.</summary>
public sealed record StandardizeLayerSpec : LayerSpec
{
    internal override bool KeepsUnits => true;

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) =>
        network.Scaled(h, AffineMap.Scaled(weights.Take("mean", h.Units), [.. weights.Take("scale", h.Units).Select(scale => 1 / scale)], null));
}

/// <summary>(h - mean) / scale, with fixed mean and scale.</summary>
public sealed class StandardizeLayer : Layer
{
    private readonly Tensor mean;
    private readonly Tensor scale;

    internal StandardizeLayer(LayerPlace place) : base(nameof(StandardizeLayer))
    {
        mean = zeros(place.Width);
        scale = ones(place.Width);
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context) => (h - mean) / scale;
}
