using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>
/// chrischute/real-nvp: checkerboard couplings, squeeze, channel couplings, split, at each scale. The datum is the dequantised image
/// y = (255 x + u) / 256 in [0, 1], whose density the repository reports; the latent has the image's own shape.
/// </summary>
internal static class ChrischuteRealNvp
{
    public static Imported Import(DescribedNode root, ForeignWeights source)
    {
        DescribedNode constructor = root["constructor"];
        int[] shape = root["event_shape"].Shape;
        int channels = constructor["in_channels"].Int;
        if (shape.Length != 3 || shape[0] != channels)
            throw root.Error($"event_shape: must be [{channels}, H, W]");
        double constraint = source.Take("data_constraint").ToDoubles()[0];
        List<Part<BijectionSpec>> parts = [Part.Of<BijectionSpec>(new LogitSpec { Alpha = (1 - constraint) / 2 })];
        parts.AddRange(Scale("flows", constructor["num_scales"].Int, constructor["num_blocks"].Int, channels, source));
        return new Imported(shape, parts, Part.Of<BaseDensitySpec>(new StandardNormalSpec()));
    }

    private static List<Part<BijectionSpec>> Scale(string prefix, int scales, int blocks, int channels, ForeignWeights source)
    {
        bool last = scales == 1;
        var parts = new List<Part<BijectionSpec>>();
        for (int i = 0; i < (last ? 4 : 3); i++)
            parts.Add(Coupling(source, $"{prefix}.in_couplings.{i}", i % 2 == 0 ? CouplingMask.CheckerboardEven : CouplingMask.CheckerboardOdd, blocks, channels));
        if (last)
            return parts;
        parts.Add(Part.Of<BijectionSpec>(new SqueezeSpec()));
        for (int i = 0; i < 3; i++)
            parts.Add(Coupling(source, $"{prefix}.out_couplings.{i}", i % 2 == 0 ? CouplingMask.FirstHalf : CouplingMask.SecondHalf, blocks, 2 * channels));
        parts.Add(Part.Of<BijectionSpec>(new UnsqueezeSpec()));
        parts.Add(Part.Of<BijectionSpec>(new SqueezeSpec { Order = SqueezeOrder.ByDiagonal }));
        parts.Add(Parts.Split(SplitOrder.SameShape, Scale($"{prefix}.next_block", scales - 1, blocks, 2 * channels, source)));
        parts.Add(Part.Of<BijectionSpec>(new UnsqueezeSpec { Order = SqueezeOrder.ByDiagonal }));
        return parts;
    }

    private static Part<BijectionSpec> Coupling(ForeignWeights source, string prefix, CouplingMask mask, int blocks, int channels)
    {
        bool checkerboard = mask == CouplingMask.CheckerboardEven || mask == CouplingMask.CheckerboardOdd;
        LayerList layers = Network(source, $"{prefix}.st_net", blocks, checkerboard);
        // Two halves, [log-scales | shifts]; ours are pairs (shift, scale).
        layers.ReorderOutputs(Parts.PairsOfHalves(channels, shiftFirst: false));
        var element = new AffineElementSpec { Scale = ScaleMap.RescaledTanh, ShiftFirst = true };
        Part<BijectionSpec> part = Parts.Coupling(mask, element, layers);
        part.Weights.Add("element.rescale", Rescale(source, $"{prefix}.rescale", channels));
        return part;
    }

    // A weight-normed scalar a channel: g v / |v| is g with the sign of v, exactly.
    private static WeightTensor Rescale(ForeignWeights source, string prefix, int channels)
    {
        double[] g = source.Take($"{prefix}.weight_g").ToDoubles(), v = source.Take($"{prefix}.weight_v").ToDoubles();
        if (g.Length != channels || v.Length != channels)
            throw new ImportException($"tensor '{prefix}.weight_g' has {g.Length} values, {channels} are needed");
        return TensorSurgery.Floats([.. g.Zip(v, (length, direction) => (float)(length * Math.Sign(direction)))], channels);
    }

    private static readonly string[] InAndOut = ["in", "out"];

    private static LayerList Network(ForeignWeights source, string prefix, int blocks, bool checkerboard)
    {
        const double Epsilon = 1e-5;
        var layers = new LayerList();
        layers.BatchNorm(source, $"{prefix}.in_norm", Epsilon);
        // Half of the pixels are 0 there.
        if (checkerboard)
            layers.Add(new ScaleLayerSpec { Factor = 2 });
        layers.Add(new ConcatNegativeSpec());
        layers.Activation(Activation.Relu);
        layers.Conv(source, $"{prefix}.in_conv.conv", bias: true);
        layers.SkipSum(
            body =>
            {
                for (int b = 0; b < blocks; b++)
                    body.Residual(inner =>
                    {
                        foreach (string name in InAndOut)
                        {
                            inner.BatchNorm(source, $"{prefix}.blocks.{b}.{name}_norm", Epsilon);
                            inner.Activation(Activation.Relu);
                            inner.Conv(source, $"{prefix}.blocks.{b}.{name}_conv.conv", bias: name == "out");
                        }
                    });
            },
            skips =>
            {
                skips.Conv(source, $"{prefix}.in_skip.conv", bias: true);
                for (int b = 0; b < blocks; b++)
                    skips.Conv(source, $"{prefix}.skips.{b}.conv", bias: true);
            });
        layers.BatchNorm(source, $"{prefix}.out_norm", Epsilon);
        layers.Activation(Activation.Relu);
        layers.Conv(source, $"{prefix}.out_conv.conv", bias: true);
        return layers;
    }
}
