using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>
/// chrischute/glow. The datum is the dequantised image y = (255 x + u) / 256 in [0, 1], whose density the repository reports; the
/// latent has the image's own shape.
/// </summary>
internal static class ChrischuteGlow
{
    public static Imported Import(DescribedNode root, ForeignWeights source)
    {
        DescribedNode constructor = root["constructor"];
        int[] shape = root["event_shape"].Shape;
        if (shape is not [3, _, _])
            throw root.Error("event_shape: must be [3, H, W]; this repository's Glow takes colour images");
        double bounds = source.Take("bounds").ToDoubles()[0];
        List<Part<BijectionSpec>> parts = [Part.Of<BijectionSpec>(new LogitSpec { Alpha = (1 - bounds) / 2 })];
        parts.AddRange(Level("flows", constructor["num_levels"].Int, constructor["num_steps"].Int, 12, first: true, source));
        return new Imported(shape, parts, Part.Of<BaseDensitySpec>(new StandardNormalSpec()));
    }

    private static List<Part<BijectionSpec>> Level(string prefix, int levels, int steps, int channels, bool first, ForeignWeights source)
    {
        List<Part<BijectionSpec>> parts = first ? [Part.Of<BijectionSpec>(new SqueezeSpec())] : [];
        for (int k = 0; k < steps; k++)
        {
            string step = $"{prefix}.steps.{k}";
            source.RequireInitialized($"{step}.norm.is_initialized");
            parts.Add(Part.Of<BijectionSpec>(new ActNormSpec { ShiftFirst = true },
                ("shift", source.Take($"{step}.norm.bias").Reshape(channels)), ("log_scale", source.Take($"{step}.norm.logs").Reshape(channels))));
            parts.Add(Part.Of<BijectionSpec>(new MatrixSpec { Form = MatrixForm.Plain }, ("weight", source.Take($"{step}.conv.weight").Reshape(channels, channels))));
            parts.Add(Coupling(source, $"{step}.coup", channels));
        }
        if (levels > 1)
        {
            parts.Add(Part.Of<BijectionSpec>(new SqueezeSpec()));
            parts.Add(Parts.Split(SplitOrder.SameShape, Level($"{prefix}.next", levels - 1, steps, 2 * channels, first: false, source)));
            parts.Add(Part.Of<BijectionSpec>(new UnsqueezeSpec()));
        }
        if (first)
            parts.Add(Part.Of<BijectionSpec>(new UnsqueezeSpec()));
        return parts;
    }

    private static Part<BijectionSpec> Coupling(ForeignWeights source, string prefix, int channels)
    {
        var layers = new LayerList();
        foreach (string name in new[] { "in", "mid", "out" })
        {
            layers.BatchNorm(source, $"{prefix}.nn.{name}_norm", 1e-5);
            layers.Activation(Conditioners.Activation.Relu);
            layers.Conv(source, $"{prefix}.nn.{name}_conv", bias: name == "out");
        }
        // Pairs (scale, shift); ours are (shift, scale).
        layers.ReorderOutputs([.. Enumerable.Range(0, channels).Select(i => i ^ 1)]);
        var element = new AffineElementSpec { Scale = ScaleMap.RescaledTanh, ShiftFirst = true };
        Part<BijectionSpec> part = Parts.Coupling(CouplingMask.FirstHalf, element, layers);
        part.Weights.Add("element.rescale", source.Take($"{prefix}.scale").Reshape(channels / 2));
        return part;
    }
}
