using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>
/// rosinality/glow-pytorch: blocks from fine to coarse, each squeeze, steps, split. The prior of what is split off is a coupling in
/// front of the split, so that latents are standard normal noise: what the repository's own sampling starts from.
/// </summary>
internal static class RosinalityGlow
{
    public static Imported Import(DescribedNode root, ForeignWeights source)
    {
        DescribedNode constructor = root["constructor"];
        int[] shape = root["event_shape"].Shape;
        int blocks = constructor["n_block"].Int, steps = constructor["n_flow"].Int;
        bool affine = constructor.Optional("affine")?.Flag ?? true;
        if (shape.Length != 3 || shape[0] != constructor["in_channel"].Int)
            throw root.Error($"event_shape: must be [C, H, W] with the constructor's in_channel {constructor["in_channel"].Int}");
        return new Imported(shape, Block(0, blocks, steps, affine, shape[0], source), Part.Of<BaseDensitySpec>(new StandardNormalSpec()));
    }

    private static List<Part<BijectionSpec>> Block(int block, int blocks, int steps, bool affine, int channels, ForeignWeights source)
    {
        int inner = 4 * channels;
        var parts = new List<Part<BijectionSpec>> { Part.Of<BijectionSpec>(new SqueezeSpec()) };
        for (int k = 0; k < steps; k++)
        {
            string prefix = $"blocks.{block}.flows.{k}";
            parts.Add(ActNorm(source, $"{prefix}.actnorm", inner));
            parts.Add(Matrix(source, $"{prefix}.invconv", inner));
            parts.Add(Coupling(source, $"{prefix}.coupling", affine, inner));
        }
        if (block + 1 == blocks)
        {
            parts.Add(LastPrior(source, $"blocks.{block}.prior", inner));
            return parts;
        }
        parts.Add(SplitPrior(source, $"blocks.{block}.prior", inner));
        parts.Add(Parts.Split(SplitOrder.SplitFirst, Block(block + 1, blocks, steps, affine, inner / 2, source)));
        return parts;
    }

    private static Part<BijectionSpec> ActNorm(ForeignWeights source, string prefix, int channels)
    {
        source.RequireInitialized($"{prefix}.initialized");
        return Part.Of<BijectionSpec>(new ScaleShiftSpec { ShiftFirst = true },
            ("shift", source.Take($"{prefix}.loc").Reshape(channels)), ("scale", source.Take($"{prefix}.scale").Reshape(channels)));
    }

    private static Part<BijectionSpec> Matrix(ForeignWeights source, string prefix, int channels)
    {
        if (source.Has($"{prefix}.weight"))
            return Part.Of<BijectionSpec>(new MatrixSpec { Form = MatrixForm.Plain }, ("weight", source.Take($"{prefix}.weight").Reshape(channels, channels)));
        source.Drop($"{prefix}.u_mask", $"{prefix}.l_mask", $"{prefix}.l_eye");
        return Part.Of<BijectionSpec>(new MatrixSpec(),
            ("permutation", source.Take($"{prefix}.w_p", channels, channels)), ("lower", source.Take($"{prefix}.w_l", channels, channels)),
            ("upper", source.Take($"{prefix}.w_u", channels, channels)), ("log_diagonal", source.Take($"{prefix}.w_s", channels)),
            ("sign", source.Take($"{prefix}.s_sign", channels)));
    }

    private static Part<BijectionSpec> Coupling(ForeignWeights source, string prefix, bool affine, int channels)
    {
        var layers = new LayerList();
        layers.Conv(source, $"{prefix}.net.0", bias: true);
        layers.Activation(Conditioners.Activation.Relu);
        layers.Conv(source, $"{prefix}.net.2", bias: true);
        layers.Activation(Conditioners.Activation.Relu);
        ZeroConv(layers, source, $"{prefix}.net.4");
        // Two halves, [log-scales | shifts]; ours are pairs (shift, scale).
        if (affine)
            layers.ReorderOutputs(Parts.PairsOfHalves(channels / 2, shiftFirst: false));
        var element = new AffineElementSpec { Scale = affine ? ScaleMap.Sigmoid : ScaleMap.None, ShiftFirst = affine };
        return Parts.Coupling(CouplingMask.SecondHalf, element, layers);
    }

    // noise = (z - mean) exp(-log_sd), the parameters being [means | log_sds].
    private static readonly AffineElementSpec Prior = new() { Scale = ScaleMap.Exp };

    private static Part<BijectionSpec> SplitPrior(ForeignWeights source, string prefix, int channels)
    {
        var layers = new LayerList();
        ZeroConv(layers, source, prefix);
        layers.ReorderOutputs(Parts.PairsOfHalves(channels / 2, shiftFirst: true));
        return Parts.Coupling(CouplingMask.SecondHalf, Prior, layers).Inverted();
    }

    private static Part<BijectionSpec> LastPrior(ForeignWeights source, string prefix, int channels)
    {
        var layers = new LayerList();
        layers.Add(new ZerosLayerSpec { Width = channels });
        ZeroConv(layers, source, prefix);
        layers.ReorderOutputs(Parts.PairsOfHalves(channels, shiftFirst: true));
        var (spec, weights) = layers.Network();
        return Part.Bijection(new ElementwiseSpec { Element = Prior, Conditioner = spec }, ("conditioner", weights)).Inverted();
    }

    // A convolution over an image framed with ones, and a gain a channel.
    private static void ZeroConv(LayerList layers, ForeignWeights source, string prefix)
    {
        layers.Conv(source, $"{prefix}.conv", bias: true, padding: 1);
        Checkpoints.WeightTensor scale = source.Take($"{prefix}.scale");
        layers.Add(new ChannelGainSpec(), ("gain", scale.Reshape(scale.Count())));
    }
}
