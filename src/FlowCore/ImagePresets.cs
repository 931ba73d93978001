using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;

namespace FlowCore;

/// <summary>The values that the pixels of images take: an interval, and the distance of neighbouring values, 0 for continuous ones.</summary>
public sealed record PixelValues(double Low, double High, double Step);

/// <summary>
/// Flows that are known to work on images, by name. A preset is nothing but a <see cref="FlowSpec"/> with sizes: it dequantises,
/// takes the pixels' interval to the real line by a logit (Dinh et al. 2017, section 4.1), and after that halves height and width
/// level by level, half of the channels leaving as latents each time. Classes choose the base density, and reach the networks.
/// </summary>
public static class ImagePresets
{
    public const string Glow = "glow", RealNvp = "realnvp-image";

    public static readonly IReadOnlyList<string> Names = [Glow, RealNvp];

    private const int MostLevels = 3, LeastSide = 2;

    // How far the logit moves the ends of levels inwards, as a share of a level, and at least of the interval. Levels are spread over cells, and the first
    // cell is most of many images: the logit should spread it as widely as it spreads ink, or the couplings have to. Nearer to the ends, samples
    // come so close to them that float32 no longer tells them apart.
    private const double InwardsOfLevel = 0.1, LeastInwards = 2e-4;

    // Of one coupling, and of all together: deeper flows than the defaults scale less at each step, so that float32 can take it back.
    private const double LargestLogScale = 2, MostLogScale = 48;

    /// <param name="preset">One of <see cref="Names"/>.</param>
    /// <param name="name">The model's name.</param>
    /// <param name="shape">The images' [channels, height, width].</param>
    /// <param name="pixels">What the pixels' values are.</param>
    /// <param name="sizes">Levels, steps a level and channels of the networks, where the defaults do not do.</param>
    /// <param name="classes">The number of classes that the flow is conditioned on; null for none.</param>
    public static FlowSpec Create(string preset, string name, int[] shape, PixelValues pixels, PresetSizes? sizes = null, int? classes = null)
    {
        if (shape is not [> 0, > 0, > 0])
            throw new SpecException($"event_shape: images have [channels, height, width], not [{string.Join(", ", shape)}]");
        sizes ??= new();
        int levels = sizes.Levels ?? Math.Clamp(Halvings(shape), 1, MostLevels), hidden = sizes.Hidden ?? 64;
        if (levels > Halvings(shape))
            throw new SpecException($"event_shape: {levels} levels halve height and width {levels} times; {shape[1]} x {shape[2]} can be halved {Halvings(shape)} times");
        Activation activation = sizes.Activation ?? Activation.Relu;
        int couplings = levels * (preset == Glow ? sizes.Layers ?? 8 : 2 * (sizes.Layers ?? 3));
        double bound = Math.Min(LargestLogScale, MostLogScale / couplings);
        IEnumerable<BijectionSpec> body = preset switch
        {
            Glow => GlowLevel(shape[0], levels, sizes.Layers ?? 8, hidden, activation, classes is not null, bound),
            RealNvp => RealNvpLevel(shape[0], levels, sizes.Layers ?? 3, hidden, activation, classes is not null, bound),
            _ => throw new SpecException($"the flow '{preset}' is unknown; there are {string.Join(", ", Names)}"),
        };
        BijectionSpec[] first = pixels.Step > 0 ? [new DequantizeSpec { Steps = [.. Enumerable.Repeat(pixels.Step, shape[0])] }] : [];
        return new FlowSpec
        {
            Name = name,
            EventShape = shape,
            Context = classes is null ? null : new ContextSpec { Classes = classes },
            Bijections = [.. first, Logit(pixels), .. body],
            Base = classes is null ? new StandardNormalSpec() : new ClassNormalSpec(),
        };
    }

    // Continuous values may stand at the ends themselves: they keep the usual distance.
    private static LogitSpec Logit(PixelValues pixels)
    {
        var logit = new LogitSpec { Lower = pixels.Low, Upper = pixels.High };
        return pixels.Step > 0 ? logit with { Alpha = Math.Max(LeastInwards, InwardsOfLevel * pixels.Step / (pixels.High - pixels.Low)) } : logit;
    }

    /// <summary>How often height and width can be halved until one of them is odd, or a single pixel.</summary>
    private static int Halvings(int[] shape)
    {
        int count = 0;
        for (int height = shape[1], width = shape[2]; height % 2 == 0 && width % 2 == 0 && Math.Min(height, width) >= LeastSide; height /= 2, width /= 2)
            count++;
        return count;
    }

    /// <summary>
    /// Kingma, Dhariwal 2018, "Glow" (arXiv 1807.03039): steps of ActNorm, an invertible 1 x 1 convolution and an affine coupling; the
    /// prior of the channels that leave depends on those that stay, which is a coupling in front of the split.
    /// </summary>
    private static IEnumerable<BijectionSpec> GlowLevel(int channels, int levels, int steps, int hidden, Activation activation, bool byClass, double bound)
    {
        channels *= 4;
        yield return new SqueezeSpec();
        for (int i = 0; i < steps; i++)
        {
            yield return new ActNormSpec();
            yield return new MatrixSpec();
            yield return Coupling(CouplingMask.SecondHalf, ConvNet(channels, hidden, activation, byClass), bound);
        }
        if (levels == 1)
            yield break;
        yield return Coupling(CouplingMask.SecondHalf, new SequenceSpec { Steps = [new ConvLayerSpec { Channels = channels }, new ChannelGainSpec()] }, bound);
        yield return new SplitSpec { Inner = [.. GlowLevel(channels / 2, levels - 1, steps, hidden, activation, byClass, bound)] };
    }

    /// <summary>
    /// Dinh, Sohl-Dickstein, Bengio 2017 (arXiv 1605.08803): checkerboard couplings, a squeeze, channel-wise couplings, a split; residual
    /// networks, with ActNorm in the place of batch norm.
    /// </summary>
    private static IEnumerable<BijectionSpec> RealNvpLevel(int channels, int levels, int couplings, int hidden, Activation activation, bool byClass, double bound)
    {
        for (int i = 0; i < couplings; i++)
        {
            yield return new ActNormSpec();
            yield return Coupling(i % 2 == 0 ? CouplingMask.CheckerboardEven : CouplingMask.CheckerboardOdd, ResidualConvNet(2 * channels, hidden, activation, byClass), bound);
        }
        channels *= 4;
        yield return new SqueezeSpec();
        for (int i = 0; i < couplings; i++)
        {
            yield return new ActNormSpec();
            yield return Coupling(i % 2 == 0 ? CouplingMask.SecondHalf : CouplingMask.FirstHalf, ResidualConvNet(channels, hidden, activation, byClass), bound);
        }
        if (levels > 1)
            yield return new SplitSpec { Inner = [.. RealNvpLevel(channels / 2, levels - 1, couplings, hidden, activation, byClass, bound)] };
    }

    private static CouplingSpec Coupling(CouplingMask mask, ConditionerSpec network, double bound) =>
        new() { Mask = mask, Element = new AffineElementSpec { Scale = ScaleMap.Tanh, Bound = bound }, Conditioner = network };

    private static SequenceSpec ConvNet(int outputs, int hidden, Activation activation, bool byClass)
    {
        var act = new ActivationLayerSpec { Function = activation };
        LayerSpec[] context = byClass ? [new AddContextSpec()] : [];
        return new()
        {
            Steps =
            [
                new ConvLayerSpec { Channels = hidden }, .. context, act,
                new ConvLayerSpec { Channels = hidden, Kernel = 1 }, act,
                new ConvLayerSpec { Channels = outputs }, new ChannelGainSpec(),
            ],
        };
    }

    private static SequenceSpec ResidualConvNet(int outputs, int hidden, Activation activation, bool byClass)
    {
        var act = new ActivationLayerSpec { Function = activation };
        var conv = new ConvLayerSpec { Channels = hidden };
        LayerSpec[] context = byClass ? [new AddContextSpec()] : [];
        var block = new ResidualLayerSpec { Inner = [act, conv, act, conv] };
        return new() { Steps = [conv, .. context, block, block, act, new ConvLayerSpec { Channels = outputs, Kernel = 1 }] };
    }
}
