
namespace FlowCore.Interop;

/// <summary>
/// normflows' flows (1.7): listed from latents to data, each layer's own forward being the direction that samples, so that the
/// list is read backwards and most layers are turned round.
/// </summary>
internal static class NormflowsModel
{
    public static Imported Import(DescribedNode root, ForeignWeights source)
    {
        int[] shape = root["event_shape"].Shape;
        if (root["wrapper"].Text == "MultiscaleFlow")
            return NormflowsGlow.Import(root, source, shape);
        var place = EventShape.Of(shape, 0);
        List<Part<BijectionSpec>> layers = NormflowsLayers.All(root["flows"], source, ref place);

        DescribedNode density = root["base"];
        int context = root.Optional("context_shape")?.Shape[0] ?? 0, classes = density["args"].Optional("num_classes")?.Int ?? 0;
        return new Imported(shape, layers, NormflowsBases.Of(density, source))
        {
            Context = context > 0 ? new ContextSpec { Size = context } : classes > 0 ? new ContextSpec { Classes = classes } : null,
        };
    }
}
