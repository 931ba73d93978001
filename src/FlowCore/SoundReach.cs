using FlowCore.Bijections;
using FlowCore.Conditioners.Layers;

namespace FlowCore;

/// <summary>
/// How far a vocoder sees: the samples to either side of a sample that it depends on, through all bijections and the encoder of the
/// mels. Farther away nothing changes a bit of it, so that a long sound may be made in blocks.
/// </summary>
public static class SoundReach
{
    /// <exception cref="SpecException">Some part does not treat all frames alike; the message names it.</exception>
    public static int Of(FlowSpec spec)
    {
        int samples = spec.EventShape is [_, var frames] ? frames : throw new SpecException($"event_shape: model '{spec.Name}' is not a flow over sound");
        long reach = 0;
        LayerPlace place = spec.Context?.Place ?? default;
        foreach (LayerSpec layer in spec.Context?.Embedding ?? [])
        {
            reach += (layer.Reach ?? throw Refused($"context.embedding has a {layer.GetType().Name[..^4]}")) * (long)(samples / place.Pixels);
            place = layer.After(place);
        }
        reach += Of(spec.Bijections, EventShape.Of(spec.EventShape, place.AsContext), samples);
        return (int)Math.Min(reach, int.MaxValue / 8);
    }

    private static long Of(BijectionSpec[] bijections, EventShape shape, int samples)
    {
        long reach = 0;
        foreach (BijectionSpec bijection in bijections)
        {
            reach += bijection switch
            {
                ActNormSpec or MatrixSpec or ScaleShiftSpec or TimeSqueezeSpec => 0,
                SplitSpec { Order: SplitOrder.SameShape } split => Of(split.Inner, split.Mask.Kept(shape), samples),
                CouplingSpec { KeptElement: null, Mask.IsOfChannels: true } coupling => Of(coupling.Conditioner.Layers(0)) * (samples / shape.Pixels),
                _ => throw Refused($"{bijection.GetType().Name[..^4]} does not"),
            };
            shape = bijection.After(shape);
        }
        return reach;
    }

    private static long Of(LayerSpec[] layers) =>
        layers.Sum(layer => (long)(layer.Reach ?? throw Refused($"a network has a {layer.GetType().Name[..^4]}, which does not")));

    private static SpecException Refused(string what) => new($"sound is made in blocks where every part treats all frames alike: {what}");
}
