using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;

namespace FlowCore;

/// <summary>
/// A flow over images given the same images down-sampled: Haar transforms take means and details apart, level by level, and a flow for
/// each level draws its details given its means (Yu, Derpanis, Brubaker 2020, "Wavelet Flow", arXiv 2010.13821), with the encoder, the
/// affine injectors and the transition steps of Lugmayr, Danelljan, Van Gool, Timofte 2020, "SRFlow" (arXiv 2006.14200). The last
/// means are the context: what is drawn is down-sampled to it.
/// </summary>
public static class SuperResolutionPreset
{
    public const string Name = "sr";

    public static readonly IReadOnlyList<int> Scales = [2, 4, 8];

    private const int Growth = 16, Blocks = 2, Transitions = 1;

    // Details of flat and of rich places differ a hundredfold: the first injector of a level takes that out, the couplings little more.
    private const double InjectorBound = 5, CouplingBound = 2;

    /// <param name="name">The model's name.</param>
    /// <param name="shape">The large images' [channels, height, width].</param>
    /// <param name="pixels">What the pixels' values are.</param>
    /// <param name="scale">How many times smaller the context's sides are.</param>
    /// <param name="sizes">Steps a level and channels of the networks, where the defaults do not do.</param>
    /// <exception cref="SpecException">The sides are not multiples of the scale.</exception>
    public static FlowSpec Create(string name, int[] shape, PixelValues pixels, int scale, PresetSizes? sizes = null)
    {
        if (!Scales.Contains(scale))
            throw new SpecException($"a scale of {scale} is none of {string.Join(", ", Scales)}");
        if (shape is not [> 0, var height and > 0, var width and > 0] || height % scale != 0 || width % scale != 0)
            throw new SpecException($"event_shape: the sides of [{string.Join(", ", shape)}] are not multiples of the scale {scale}");
        sizes ??= new();
        int channels = shape[0], steps = sizes.Layers ?? 4, hidden = sizes.Hidden ?? 48;
        Activation activation = sizes.Activation ?? Activation.Parse("leaky_relu(0.2)");
        // A power of two, so that scaling back loses no digit.
        double unit = Math.Pow(2, -Math.Max(0, Math.Round(Math.Log2(Math.Max(Math.Abs(pixels.Low), Math.Abs(pixels.High))))));
        int known = channels * height * width / (scale * scale);
        BijectionSpec[] first = pixels.Step > 0 ? [new DequantizeSpec { Steps = [.. Enumerable.Repeat(pixels.Step, channels)], KeepMeans = scale }] : [];
        return new FlowSpec
        {
            Name = name,
            EventShape = shape,
            Pixels = pixels,
            Context = new ContextSpec
            {
                Shape = [channels, height / scale, width / scale],
                BlockMeans = scale,
                Embedding = [new ScaleLayerSpec { Factor = unit }, new DenseLayerSpec { Inner = Encoder(hidden, activation) }],
            },
            Bijections = [.. first, .. Level(channels, scale, unit / 2, steps, hidden, activation)],
            Base = new LevelsSpec
            {
                Levels =
                [
                    // Each transform halves the sum of four: after all of them a mean stands there times the scale.
                    new() { Width = known, Base = new GivenSpec { Factor = scale / unit } },
                    new() { Width = channels * height * width - known, Base = new StandardNormalSpec() },
                ],
            },
        };
    }

    private static IEnumerable<BijectionSpec> Level(int channels, int scale, double unit, int steps, int hidden, Activation activation)
    {
        CouplingMask details = CouplingMask.Explicit([.. Enumerable.Range(0, 4 * channels).Select(channel => channel >= channels)]);
        yield return new HaarSpec();
        yield return new FlowCouplingSpec
        {
            Mask = details,
            Encoder = [new ScaleLayerSpec { Factor = unit }, new ConcatContextSpec(), .. Encoder(hidden, activation)],
            Inner =
            [
                new ActNormSpec(),
                Injector(3 * channels, hidden, activation, InjectorBound),
                .. Enumerable.Repeat(Transition, Transitions).SelectMany(step => step),
                .. Enumerable.Range(0, steps).SelectMany(_ => Step(3 * channels, hidden, activation)),
            ],
        };
        if (scale > 2)
            yield return new SplitSpec { Mask = details, Inner = [.. Level(channels, scale / 2, unit / 2, steps, hidden, activation)] };
    }

    private static BijectionSpec[] Transition => [new ActNormSpec(), new MatrixSpec()];

    private static IEnumerable<BijectionSpec> Step(int channels, int hidden, Activation activation)
    {
        yield return new ActNormSpec();
        yield return new MatrixSpec();
        yield return Injector(channels, hidden, activation, CouplingBound);
        yield return new CouplingSpec
        {
            Mask = CouplingMask.SecondHalf,
            Element = new AffineElementSpec { Scale = ScaleMap.Tanh, Bound = CouplingBound },
            Conditioner = Network(2 * (channels - channels / 2), hidden, activation),
        };
    }

    // All channels, by the features alone.
    private static ElementwiseSpec Injector(int channels, int hidden, Activation activation, double bound) => new()
    {
        Element = new AffineElementSpec { Scale = ScaleMap.Tanh, Bound = bound },
        Conditioner = Network(2 * channels, hidden, activation),
    };

    private static SequenceSpec Network(int outputs, int hidden, Activation activation)
    {
        var act = new ActivationLayerSpec { Function = activation };
        return new()
        {
            Steps = [new ConcatContextSpec(), new ConvLayerSpec { Channels = hidden }, act, new ConvLayerSpec { Channels = hidden, Kernel = 1 }, act, new ConvLayerSpec { Channels = outputs }],
        };
    }

    // Residual blocks of densely connected convolutions (Wang et al. 2018, "ESRGAN", arXiv 1809.00219).
    private static LayerSpec[] Encoder(int hidden, Activation activation)
    {
        LayerSpec grown = new DenseLayerSpec { Inner = [new ConvLayerSpec { Channels = Growth }, new ActivationLayerSpec { Function = activation }] };
        var block = new ResidualLayerSpec { Inner = [grown, grown, new ConvLayerSpec { Channels = hidden }, new ScaleLayerSpec { Factor = 0.2 }] };
        return [new ConvLayerSpec { Channels = hidden }, .. Enumerable.Repeat(block, Blocks)];
    }
}
