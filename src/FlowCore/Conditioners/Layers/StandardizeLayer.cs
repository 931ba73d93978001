using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>A fixed z-score in front of an embedding.</summary>
public sealed record StandardizeLayerSpec : LayerSpec
{
    internal override bool KeepsUnits => true;

    internal override int? Reach => 0;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        at.Need("mean", place.Width);
        at.Need("scale", place.Width);
    }

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) =>
        network.Scaled(
            h, AffineMap.Scaled(Formula.Fixed(weights.Read("mean", h.Units)), Formula.Fixed(weights.Read("scale", h.Units)).Reciprocal(), null));
}

/// <summary>(h - mean) / scale, with fixed mean and scale of each feature, or channel.</summary>
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

    /// <summary>Takes mean and scale from values, one each for every column, or channel.</summary>
    internal void Set(ReadOnlySpan<double> means, ReadOnlySpan<double> scales)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        mean.copy_(tensor(means.ToArray()));
        scale.copy_(tensor(scales.ToArray()));
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return (h.dim() == 4 ? (h - mean.reshape(-1, 1, 1)) / this.scale.reshape(-1, 1, 1) : (h - mean) / this.scale).MoveToOuterDisposeScope();
    }
}
