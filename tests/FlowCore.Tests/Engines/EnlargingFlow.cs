using FlowCore.Tests.Laws;
using TorchSharp;
using static TorchSharp.torch;
using SavedFlow = FlowCore.Checkpoints.Checkpoint;

namespace FlowCore.Tests.Engines;

/// <summary>A small super-resolution flow with weights that do something, and small images for it.</summary>
internal static class EnlargingFlow
{
    public static readonly FlowSpec Spec = SuperResolutionPreset.Create("law", [1, 8, 8], new(-0.5, 255.5, 1), scale: 4, new PresetSizes(Layers: 1, Hidden: 6));

    public static SavedFlow Checkpoint()
    {
        using Flow flow = FlowBuilder.Build(Spec);
        flow.to(float32);
        RandomWeights.Fill(flow, seed: 5, scale: 0.1);
        return SavedFlow.Of(flow);
    }

    /// <summary>Small images of whole levels.</summary>
    public static T[] Small<T>(int images)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T> =>
        [.. Enumerable.Range(0, images * Spec.ContextWidth).Select(i => T.CreateTruncating((i * 37 + 11) % 256))];
}
