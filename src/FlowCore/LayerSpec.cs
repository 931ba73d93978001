using System.Text.Json.Serialization;
using FlowCore.Conditioners.Layers;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;

namespace FlowCore;

/// <summary>One kind of layer of a conditioner.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(LinearLayerSpec), "linear")]
[JsonDerivedType(typeof(ActivationLayerSpec), "activation")]
[JsonDerivedType(typeof(ResidualLayerSpec), "residual")]
[JsonDerivedType(typeof(ConcatContextSpec), "concat_context")]
[JsonDerivedType(typeof(PeriodicFeaturesSpec), "periodic_features")]
[JsonDerivedType(typeof(GateByContextSpec), "gate_by_context")]
[JsonDerivedType(typeof(AddContextSpec), "add_context")]
[JsonDerivedType(typeof(StandardizeLayerSpec), "standardize")]
[JsonDerivedType(typeof(LayerNormSpec), "layer_norm")]
[JsonDerivedType(typeof(BatchNormLayerSpec), "batch_norm")]
[JsonDerivedType(typeof(ScaleLayerSpec), "scale")]
[JsonDerivedType(typeof(ParallelLayerSpec), "parallel")]
[JsonDerivedType(typeof(ZerosLayerSpec), "zeros")]
[JsonDerivedType(typeof(ConvLayerSpec), "conv")]
[JsonDerivedType(typeof(ChannelGainSpec), "channel_gain")]
[JsonDerivedType(typeof(ChannelAffineSpec), "channel_affine")]
[JsonDerivedType(typeof(ConcatNegativeSpec), "concat_negative")]
[JsonDerivedType(typeof(SkipSumSpec), "skip_sum")]
[JsonDerivedType(typeof(TimeConvSpec), "time_conv")]
[JsonDerivedType(typeof(DepthwiseTimeConvSpec), "depthwise_time_conv")]
[JsonDerivedType(typeof(TransposedTimeConvSpec), "transposed_time_conv")]
[JsonDerivedType(typeof(RepeatFramesSpec), "repeat_frames")]
[JsonDerivedType(typeof(SqueezeFramesSpec), "squeeze_frames")]
[JsonDerivedType(typeof(GatedUnitSpec), "gated_unit")]
[JsonDerivedType(typeof(WaveNetSpec), "wavenet")]
[JsonDerivedType(typeof(DenseLayerSpec), "dense")]
[JsonDerivedType(typeof(FlattenLayerSpec), "flatten")]
public abstract record LayerSpec
{
    /// <summary>Refuses, by field, what cannot be at this place, and states the tensors that are needed there.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal abstract void Check(SpecScope at, LayerPlace place);

    /// <summary>The place behind it.</summary>
    internal virtual LayerPlace After(LayerPlace place) => place;

    /// <summary>
    /// In an autoregressive network, the first pass for which each unit behind it is known: when all that it depends on is.
    /// </summary>
    internal virtual int[] Known(int[] known, LayerPlace place, WeightScope weights) => known;

    /// <summary>The same of layers in order.</summary>
    internal static int[] Known(LayerSpec[] specs, string list, int[] known, LayerPlace place, WeightScope weights)
    {
        for (int i = 0; i < specs.Length; place = specs[i].After(place), i++)
            known = specs[i].Known(known, place, weights.In(list, i));
        return known;
    }

    /// <summary>
    /// Of a layer that treats all frames of a sequence alike, how many frames to either side of its own it reads; null of others.
    /// </summary>
    internal virtual int? Reach => null;

    /// <summary>Whether it needs a unit to work on.</summary>
    internal virtual bool NeedsUnits => true;

    /// <summary>Checks layers in order, by their field and by the name of their weights; the place behind the last one.</summary>
    internal static LayerPlace Check(LayerSpec[] specs, SpecScope at, string field, string weights, LayerPlace place)
    {
        at.List(specs, field);
        for (int i = 0; i < specs.Length; i++)
        {
            SpecScope layer = at.In($"{field}[{i}]", $"{weights}.{i}");
            if (place.Width == 0 && specs[i].NeedsUnits)
                throw layer.Refusal("kind", "has nothing to work on: no unit reaches it");
            specs[i].Check(layer, place);
            place = specs[i].After(place);
            if (place.Values > SpecScope.MostValues)
                throw layer.Refusal("", $"leads to {place.Values} values, more than {SpecScope.MostValues}");
        }
        return place;
    }

    /// <summary>Whether each unit that comes out is made of the one unit at its place that goes in.</summary>
    internal virtual bool KeepsUnits => false;

    /// <summary>The layer behind a node; <paramref name="order"/> is the order in which its units shall stand, null where that is free.</summary>
    /// <exception cref="NotCompiledException">The compiled engine does not run this kind; TorchEngine does.</exception>
    internal virtual Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) =>
        throw new NotCompiledException($"{GetType().Name[..^4]} is not compiled");
}
