using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>An image's values as units of a vector, channel by channel.</summary>
public sealed record FlattenLayerSpec : LayerSpec
{
    internal override void Check(SpecScope at, LayerPlace place) => place.NeedsImage(at);

    internal override LayerPlace After(LayerPlace place) => (place with { Image = null }).Wide(place.Values);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) => network.Flattened(h);
}

/// <summary><c>[batch, channels, height, width]</c> to <c>[batch, values]</c>.</summary>
public sealed class FlattenLayer() : Layer(nameof(FlattenLayer))
{
    public override Tensor Forward(Tensor h, Tensor? context) => h.flatten(1);
}
