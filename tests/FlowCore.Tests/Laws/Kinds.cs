using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Tests.Laws;

/// <summary>One kind of bijection under one choice of its options, for any number of features.</summary>
public sealed record Kind(string Name, Func<int, BijectionSpec> Of)
{
    /// <summary>The fewest features it makes sense for.</summary>
    public int Least { get; init; } = 2;

    /// <summary>The most features it is tried on.</summary>
    public int Most { get; init; } = 7;

    /// <summary>Whether its data live in (0, 1) instead of on the real line.</summary>
    public bool UnitInterval { get; init; }

    /// <summary>Whether its latents live in (0, 1), too.</summary>
    public bool UnitLatents { get; init; }

    /// <summary>The shape of its images; null for vectors of any size.</summary>
    public int[]? Image { get; init; }

    /// <summary>The context that it is tried with; null for values, from none to a few.</summary>
    public ContextSpec? Given { get; init; }

    /// <summary>Whether its parameters come from the context alone.</summary>
    public bool NeedsContext { get; init; }

    /// <summary>Whether its inverse is found by iteration, as exactly as its slope allows.</summary>
    public bool Numerical { get; init; }

    /// <summary>Whether its log-determinant is that of an integral, of which its values are a quadrature of few points: near the Jacobian's, not the same.</summary>
    public bool IsQuadrature { get; init; }

    /// <summary>Whether its data and latents are angles, in (-pi, pi).</summary>
    public bool Angle { get; init; }

    public override string ToString() => Name;
}

/// <summary>Every kind and every option: a new kind is one line here.</summary>
public static class Kinds
{
    private static readonly ConditionerSpec Mlp = new MlpSpec { Hidden = [9, 8] };

    private static readonly CouplingMask[] Masks =
        [CouplingMask.FirstHalf, CouplingMask.SecondHalf, CouplingMask.Even, CouplingMask.Odd];

    private static readonly (string Name, AffineElementSpec Spec)[] AffineElements =
    [
        .. Enum.GetValues<ScaleMap>().Select(map => ($"{map}", new AffineElementSpec { Scale = map })),
        ("sigmoid, least, most", new() { Scale = ScaleMap.Sigmoid, Least = 1e-3, Most = 0.9 }),
        ("softplus, least, most", new() { Scale = ScaleMap.Softplus, Least = 1e-3, Most = 3 }),
        ("softclip, divide", new() { Scale = ScaleMap.Softclip, Bound = 6.9, Divide = true }),
        ("sigmoid, shift first", new() { Scale = ScaleMap.Sigmoid, ShiftFirst = true }),
        ("exp, shift first, divide", new() { Scale = ScaleMap.Exp, ShiftFirst = true, Divide = true }),
    ];

    private static readonly (string Name, SplineElementSpec Spec)[] SplineElements =
    [
        ("8 bins", new()),
        ("1 bin", new() { Bins = 1 }),
        ("20 narrow bins", new() { Bins = 20, Bound = 1.5, MinWidth = 1e-2, MinHeight = 1e-4, MinSlope = 0.1 }),
        ("scaled widths", new() { RawScale = 0.25 }),
        ("softclip", new() { SoftclipSlope = 1e-3 }),
        ("circular", new() { Tails = SplineTails.Circular, Bound = 3 }),
        ("circular, 1 bin", new() { Tails = SplineTails.Circular, Bins = 1, Bound = 3 }),
        ("shifted interval", new() { Lower = -1, Bound = 4 }),
        ("softclip, half turn", new() { SoftclipSlope = 1e-3, Bound = Math.PI, HalfTurn = true }),
    ];

    private static readonly ParallelLayerSpec Parallel = new()
    {
        Branches =
        [
            [new LinearLayerSpec { Width = 5 }, new ActivationLayerSpec { Function = Activation.Tanh }, new LinearLayerSpec { Width = 2 }],
            [new LinearLayerSpec { Width = 2 }],
        ],
    };

    // A network of every layer that vectors have, for two kept and two transformed features.
    private static readonly ConditionerSpec Layers = new SequenceSpec
    {
        Steps =
        [
            new StandardizeLayerSpec(),
            new ConcatContextSpec(),
            new LinearLayerSpec { Width = 6, Masked = true },
            new AddContextSpec { Function = Activation.Tanh },
            new LayerNormSpec(),
            new BatchNormLayerSpec(),
            new ResidualLayerSpec { Inner = [new LinearLayerSpec { Width = 6 }, new GateByContextSpec()] },
            new LinearLayerSpec { Width = 4 },
            new ScaleLayerSpec { Factor = 0.5 },
        ],
    };

    private static readonly (string Name, ElementSpec Spec)[] NumericalElements =
    [
        ("Gaussianization", new GaussianizationElementSpec { Components = 4 }),
        ("sum of squares", new SumOfSquaresElementSpec { Polynomials = 2, Degree = 3 }),
        ("Bernstein", new BernsteinElementSpec { Increments = 7 }),
        ("mixture", new MixtureElementSpec { Components = 3 }),
        ("monotonic networks", new MonotonicNetworkElementSpec { Signal = 2, Hidden = [5, 4] }),
        ("integrals", new IntegralElementSpec { Signal = 2, Hidden = [9, 3], Points = 24 }),
    ];

    // One network for all features, the other options. Standardised units make a steep derivative where they are nearly equal: there are enough of
    // them that this is rare, and enough points that the integral is near its quadrature all the same.
    private static readonly IntegralElementSpec SharedIntegral = new()
    {
        Signal = 3,
        Hidden = [16],
        Shared = true,
        Activation = Activation.Tanh,
        Normalize = true,
        Positive = PositiveMap.EluPlusOne,
        Quadrature = Quadrature.ClenshawCurtis,
        Points = 48,
    };

    private static readonly ConditionerSpec[] Conditioners =
    [
        new LinearConditionerSpec(),
        new MlpSpec { Hidden = [] },
        .. Activation.Names.TakeWhile(name => name != "mish").Select(name => new MlpSpec { Hidden = [7, 6], Activation = Activation.Parse(name) }),
        new MlpSpec { Hidden = [5], Activation = Activation.Parse("leaky_relu(0.2)") },
        new ResidualNetSpec { Width = 8, Blocks = 0 },
        new ResidualNetSpec { Width = 6, Blocks = 2, Activation = Activation.Tanh },
        .. Activation.Names.SkipWhile(name => name != "mish").Append("softplus(2)")
            .Select(name => new MlpSpec { Hidden = [7, 6], Activation = Activation.Parse(name) }),
    ];

    // A network of every layer that images have.
    private static readonly ConditionerSpec ConvNet = new SequenceSpec
    {
        Steps =
        [
            new ConvLayerSpec { Channels = 3, Bias = false },
            new ChannelAffineSpec(),
            new AddContextSpec(),
            new ActivationLayerSpec { Function = Activation.Tanh },
            new ConcatNegativeSpec(),
            new BatchNormLayerSpec(),
            new SkipSumSpec
            {
                Blocks = [new ResidualLayerSpec { Inner = [new ConvLayerSpec { Channels = 6, WeightNorm = true }] }],
                Skip = new ConvLayerSpec { Channels = 5, Kernel = 1 },
            },
            new ConvLayerSpec { Channels = 4, Padding = 1 },
            new ChannelGainSpec(),
        ],
    };

    // The network of a vocoder, for two kept and two transformed channels.
    private static SequenceSpec Vocoder(WaveNetSpec body) =>
        new() { Steps = [new TimeConvSpec { Channels = 6, Kernel = 1 }, body, new TimeConvSpec { Channels = 4, Kernel = 1, Bias = false }] };

    // What changes the number of frames, there and back.
    private static readonly SequenceSpec FrameLayers = new()
    {
        Steps =
        [
            new TimeConvSpec { Channels = 4, Kernel = 3, Dilation = 2, WeightNorm = true },
            new SqueezeFramesSpec { Factor = 2 },
            new TransposedTimeConvSpec { Channels = 5, Kernel = 5, Stride = 2 },
            new SqueezeFramesSpec { Factor = 3 },
            new RepeatFramesSpec { Factor = 3 },
            new DepthwiseTimeConvSpec { Kernel = 5, Dilation = 2 },
            new TimeConvSpec { Channels = 6, Kernel = 5 },
            new GatedUnitSpec(),
            new TimeConvSpec { Channels = 4, Kernel = 1 },
        ],
    };

    private static readonly (string Name, WaveNetSpec Spec)[] WaveNets =
    [
        ("dilated", new() { Blocks = 3, WeightNorm = true }),
        ("separable", new() { Blocks = 2, Kernel = 5, DilationGrowth = 1, Separable = true, BatchNorm = true, Skips = false }),
    ];

    private static readonly SequenceSpec ParallelConvs = new()
    {
        Steps = [new ParallelLayerSpec { Branches = [[new ConvLayerSpec { Channels = 2 }], [new ConvLayerSpec { Channels = 2, Kernel = 1 }]] }],
    };

    // A network of every layer that reads an image as context, at its own pixels or at fewer.
    private static readonly ConditionerSpec GuidedConvNet = new SequenceSpec
    {
        Steps =
        [
            new ConcatContextSpec(),
            new ConvLayerSpec { Channels = 3 },
            new AddContextSpec { Function = Activation.Tanh },
            new ConvLayerSpec { Channels = 4, Kernel = 1 },
        ],
    };

    private static readonly LayerSpec[] Encoder =
        [new DenseLayerSpec { Inner = [new ConvLayerSpec { Channels = 2 }, new ActivationLayerSpec { Function = Activation.Tanh }] }];

    private static readonly (string Name, CouplingMask Mask, int[] Image)[] ImageCouplings =
    [
        ("channels", CouplingMask.SecondHalf, [4, 2, 3]),
        ("first channels", CouplingMask.FirstHalf, [4, 3, 2]),
        ("checkerboard", CouplingMask.CheckerboardEven, [2, 3, 2]),
        ("odd checkerboard", CouplingMask.CheckerboardOdd, [2, 2, 2]),
        ("packed checkerboard", CouplingMask.PackedCheckerboardEven, [2, 3, 2]),
        ("odd packed checkerboard", CouplingMask.PackedCheckerboardOdd, [2, 2, 4]),
    ];

    private static readonly (string Name, CouplingMask Mask, SplitOrder Order, int[] Image)[] SplitMasks =
    [
        ("first channels", CouplingMask.FirstHalf, SplitOrder.InnerFirst, [3, 2, 2]),
        ("packed checkerboard", CouplingMask.PackedCheckerboardEven, SplitOrder.SplitFirst, [2, 3, 2]),
        ("odd packed checkerboard, same shape", CouplingMask.PackedCheckerboardOdd, SplitOrder.SameShape, [3, 1, 4]),
    ];

    public static readonly Kind[] All =
    [
        .. ImageCouplings.Select(c => new Kind($"image coupling, {c.Name}", _ => Coupling(c.Mask, new AffineElementSpec(), ConvNet)) { Image = c.Image }),
        new("image coupling, rescaled tanh", _ => Coupling(CouplingMask.FirstHalf, new AffineElementSpec { Scale = ScaleMap.RescaledTanh, ShiftFirst = true }, ConvNet)) { Image = [4, 2, 2] },
        new("image coupling, parallel networks", _ => Coupling(CouplingMask.FirstHalf, new AffineElementSpec { Scale = ScaleMap.Exp }, ParallelConvs)) { Image = [4, 2, 2] },
        .. WaveNets.Select(each => new Kind($"sound coupling, {each.Name} WaveNet", _ => Coupling(CouplingMask.SecondHalf, new AffineElementSpec(), Vocoder(each.Spec))) { Image = [4, 5] }),
        new("sound coupling by mels", _ => Coupling(CouplingMask.FirstHalf, new AffineElementSpec(), Vocoder(new() { Blocks = 2 }))) { Image = [4, 6], Given = new() { Shape = [3, 2], Embedding = [new StandardizeLayerSpec(), new TimeConvSpec { Channels = 5 }] } },
        new("sound coupling by mels of every group", _ => Coupling(CouplingMask.FirstHalf, new AffineElementSpec(), Vocoder(new() { Blocks = 2, Separable = true })))
        {
            Image = [4, 6], Given = new() { Shape = [3, 2], Embedding = [new TransposedTimeConvSpec { Channels = 2, Kernel = 11, Stride = 6 }, new SqueezeFramesSpec { Factor = 2 }] },
        },
        new("sound coupling, layers of frames", _ => Coupling(CouplingMask.FirstHalf, new AffineElementSpec(), FrameLayers)) { Image = [4, 6] },
        new("time squeeze", _ => new TimeSqueezeSpec { Factor = 3 }) { Image = [2, 6] },
        new("split of a sound", _ => new SplitSpec { Mask = CouplingMask.Explicit(true, false, false, false), Order = SplitOrder.SameShape, Inner = [new ActNormSpec(), new MatrixSpec { Form = MatrixForm.Plain }] }) { Image = [4, 3] },
        new("image coupling by an image", _ => Coupling(CouplingMask.FirstHalf, new AffineElementSpec(), GuidedConvNet)) { Image = [4, 2, 4], Given = new() { Shape = [2, 1, 2], Embedding = Encoder } },
        new("image coupling by an image of its size", _ => Coupling(CouplingMask.FirstHalf, new AffineElementSpec(), GuidedConvNet)) { Image = [4, 2, 2], Given = new() { Shape = [1, 2, 2] } },
        new("elementwise by an image", _ => new ElementwiseSpec { Element = new AffineElementSpec(), Conditioner = GuidedConvNet }) { Image = [2, 2, 4], Given = new() { Shape = [2, 2, 2], Embedding = Encoder } },
        new("coupling by a flattened image", _ => Coupling(CouplingMask.Odd, new AffineElementSpec(), Mlp)) { Given = new() { Shape = [1, 2, 3], Embedding = [.. Encoder, new FlattenLayerSpec(), new LinearLayerSpec { Width = 3 }] } },
        new("flow coupling", _ => FlowCoupling(CouplingMask.SecondHalf)) { Image = [4, 2, 2] },
        new("flow coupling, packed checkerboard, by an image", _ => FlowCoupling(CouplingMask.PackedCheckerboardOdd)) { Image = [2, 2, 4], Given = new() { Shape = [2, 1, 1], Embedding = Encoder } },
        new("flow coupling of a vector", d => new FlowCouplingSpec
        {
            Mask = CouplingMask.Odd,
            Encoder = [new ConcatContextSpec(), new LinearLayerSpec { Width = 3 }],
            Inner = [new ActNormSpec(), new ElementwiseSpec { Element = new AffineElementSpec(), Conditioner = Mlp }],
        }),
        new("Haar", _ => new HaarSpec()) { Image = [2, 4, 2] },
        new("squeeze", _ => new SqueezeSpec()) { Image = [2, 4, 2] },
        new("squeeze by diagonal", _ => new SqueezeSpec { Order = SqueezeOrder.ByDiagonal }) { Image = [3, 2, 2] },
        new("unsqueeze", _ => new UnsqueezeSpec { Order = SqueezeOrder.ByDiagonal }) { Image = [8, 1, 2] },
        .. Enum.GetValues<SplitOrder>().Select(order =>
            new Kind($"split, {order}", _ => new SplitSpec { Order = order, Inner = [new ActNormSpec(), new MatrixSpec()] }) { Image = [4, 2, 2] }),
        .. SplitMasks.Select(split => new Kind($"split, {split.Name}", _ => new SplitSpec { Mask = split.Mask, Order = split.Order, Inner = [new ActNormSpec()] }) { Image = split.Image }),
        new("split of a vector", d => new SplitSpec { Mask = EveryThird(d), Inner = [new ActNormSpec()] }),
        new("split, deeper", _ => new SplitSpec { Inner = [new SqueezeSpec(), new MatrixSpec(), new SplitSpec { Order = SplitOrder.SplitFirst, Inner = [new ActNormSpec()] }] }) { Image = [2, 2, 2] },
        new("linear map of channels", _ => new LinearSpec()) { Image = [3, 1, 2] },
        new("matrix of channels", _ => new MatrixSpec()) { Image = [3, 2, 2] },
        new("plain matrix of channels", _ => new MatrixSpec { Form = MatrixForm.Plain, FromRight = true }) { Image = [3, 1, 2] },
        new("act norm of channels", _ => new ActNormSpec()) { Image = [3, 2, 2] },
        new("act norm of channels, shift first", _ => new ActNormSpec { ShiftFirst = true }) { Image = [2, 1, 3] },
        new("scale and shift of channels", _ => new ScaleShiftSpec { ShiftFirst = true }) { Image = [2, 1, 3] },
        new("elementwise, image", _ => new ElementwiseSpec { Element = new AffineElementSpec() }) { Image = [2, 2, 2] },
        new("logit, image", _ => new LogitSpec()) { Image = [1, 2, 2], UnitInterval = true },
        .. Masks.Select(mask => new Kind($"coupling, {mask.Name}", _ => Coupling(mask, new AffineElementSpec(), Mlp))),
        new("coupling, explicit mask", d => Coupling(EveryThird(d), new AffineElementSpec(), Mlp)),
        .. AffineElements.Select(e => new Kind($"coupling, affine, {e.Name}", _ => Coupling(CouplingMask.Odd, e.Spec, Mlp))),
        .. SplineElements.Select(e => new Kind($"coupling, spline, {e.Name}", _ => Coupling(CouplingMask.Odd, e.Spec, Mlp)) { Angle = e.Spec.HalfTurn }),
        new("coupling, spline on a box", _ => Coupling(CouplingMask.Odd, Box, Mlp) with { KeptElement = Box }) { UnitInterval = true, UnitLatents = true },
        new("coupling, spline, tails feature by feature", d => Coupling(CouplingMask.Odd, MixedTails(d / 2), Mlp) with { KeptElement = MixedTails((d + 1) / 2) }),
        new("coupling, spline, bounds feature by feature", d => Coupling(CouplingMask.Odd, OwnBounds(d / 2), Mlp)),
        new("coupling, periodic features", _ => Coupling(CouplingMask.Odd, new AffineElementSpec(), Periodic)) { Least = 4, Most = 4 },
        .. Conditioners.Select((conditioner, i) =>
            new Kind($"coupling, conditioner {i}", _ => Coupling(CouplingMask.SecondHalf, new AffineElementSpec(), conditioner))),
        new("coupling, parallel networks", _ => Coupling(CouplingMask.Odd, new AffineElementSpec { Scale = ScaleMap.Exp }, new SequenceSpec { Steps = [Parallel] })) { Least = 4, Most = 4 },
        new("coupling, every layer", _ => Coupling(CouplingMask.Odd, new AffineElementSpec(), Layers)) { Least = 4, Most = 4 },
        new("coupling, spline on the kept half too", _ => Coupling(CouplingMask.Even, new SplineElementSpec(), Mlp) with { KeptElement = new SplineElementSpec { Bins = 4 } }),
        .. new ElementSpec[] { new AffineElementSpec(), new SplineElementSpec(), new AffineElementSpec { Scale = ScaleMap.Softplus, Least = 1e-3 } }.Select((element, i) =>
            new Kind($"autoregressive, element {i}", _ => Autoregressive(element)) { Least = 1 }),
        new("autoregressive, reverse order", d => Autoregressive(new AffineElementSpec()) with { Order = [.. Enumerable.Range(0, d).Reverse()] }) { Least = 1 },
        new("autoregressive, 2 passes", d => Autoregressive(new SplineElementSpec()) with { Order = [.. Enumerable.Range(0, d).Select(i => i % 2)] }),
        new("autoregressive, tails feature by feature", d => Autoregressive(MixedTails(d)) with { Order = [.. Enumerable.Range(0, d).Select(i => (d - 1 - i) / 2)] }) { Least = 1 },
        new("autoregressive, tails and bounds feature by feature", d => Autoregressive(MixedTails(d) with { FeatureBounds = OwnBounds(d).FeatureBounds })) { Least = 1 },
        new("inverse autoregressive", _ => new InvertedSpec { Of = Autoregressive(new AffineElementSpec { Scale = ScaleMap.Sigmoid, Least = 1e-3 }) }) { Least = 1 },
        .. NumericalElements.Select(e => new Kind($"elementwise, {e.Name}", _ => new ElementwiseSpec { Element = e.Spec }) { Least = 1, Numerical = true, IsQuadrature = e.Spec is IntegralElementSpec }),
        .. NumericalElements.Select(e => new Kind($"autoregressive, {e.Name}", _ => Autoregressive(e.Spec)) { Least = 1, Numerical = true, IsQuadrature = e.Spec is IntegralElementSpec }),
        new("elementwise, one monotonic network", _ => new ElementwiseSpec { Element = new MonotonicNetworkElementSpec { Signal = 1, Hidden = [3], Shared = true } }) { Least = 1, Numerical = true },
        new("autoregressive, monotonic networks, 2 passes", d => Autoregressive(new MonotonicNetworkElementSpec { Signal = 2, Hidden = [3] }) with { Order = [.. Enumerable.Range(0, d).Select(i => (i + 1) % 2)] }) { Numerical = true },
        new("coupling, one integral, on the kept half too", _ => Coupling(CouplingMask.Odd, SharedIntegral, Mlp) with { KeptElement = SharedIntegral with { Shared = false } }) { Numerical = true, IsQuadrature = true },
        new("elementwise, spline", _ => new ElementwiseSpec { Element = new SplineElementSpec() }) { Least = 1 },
        new("elementwise, arcsinh", _ => new ElementwiseSpec { Element = new ArcsinhElementSpec() }) { Least = 1 },
        new("elementwise by context", _ => new ElementwiseSpec { Element = new AffineElementSpec(), Conditioner = new MlpSpec { Hidden = [5] } }) { Least = 1, NeedsContext = true },
        .. Enum.GetValues<FeatureOrder>().Where(order => order != FeatureOrder.Explicit).Select(order =>
            new Kind($"permutation, {order}", _ => new PermutationSpec { Order = order, Seed = 7 }) { Least = 1 }),
        new("permutation, explicit", d => new PermutationSpec { Order = FeatureOrder.Explicit, Indices = [.. Enumerable.Range(1, d - 1), 0] }) { Least = 1 },
        new("linear", _ => new LinearSpec()) { Least = 1 },
        new("matrix", _ => new MatrixSpec()) { Least = 1 },
        new("plain matrix from the right", _ => new MatrixSpec { Form = MatrixForm.Plain, FromRight = true }) { Least = 1 },
        new("rotation", _ => new RotationSpec()) { Least = 1 },
        new("planar", _ => new PlanarSpec()) { Least = 1 },
        new("planar, image", _ => new PlanarSpec { Slope = 0.7 }) { Image = [2, 1, 2] },
        .. new[] { 1, 4 }.Select(count => new Kind($"householder, {count}", _ => new HouseholderSpec { Reflections = count }) { Least = 1 }),
        new("batch norm", _ => new BatchNormSpec()) { Least = 1 },
        new("scale and shift", _ => new ScaleShiftSpec()) { Least = 1 },
        new("softclip", _ => new SoftclipSpec()) { Least = 1 },
        new("leaky relu", _ => new LeakyReluSpec { Slope = 0.3 }) { Least = 1 },
        new("log tanh", _ => new LogTanhSpec()) { Least = 1 },
        new("log tanh, image", _ => new LogTanhSpec { Cut = 0.6, Factor = 0.7 }) { Image = [2, 1, 3] },
        new("wrap", d => new WrapSpec { Features = [d - 1], Bounds = [Math.PI] }) { Least = 1, Angle = true },
        new("wrap, shifted", d => new WrapSpec { Features = [d - 1], Bounds = [Math.PI], Shifts = [2.5] }) { Least = 1, Angle = true },
        new("act norm", _ => new ActNormSpec()) { Least = 1 },
        new("standardize", _ => new StandardizeSpec()) { Least = 1 },
        new("logit", _ => new LogitSpec()) { Least = 1, UnitInterval = true },
        new("logarithm", _ => new LogarithmSpec()) { Least = 1, UnitInterval = true },
        new("logit, no margin", _ => new LogitSpec { Alpha = 0 }) { Least = 1, UnitInterval = true },
        new("logit of another interval", _ => new LogitSpec { Alpha = 1e-6, Lower = -2, Upper = 3 }) { Least = 1, UnitInterval = true },
        new("dequantize, image", _ => new DequantizeSpec { Steps = [1, 0] }) { Image = [2, 1, 3] },
        new("dequantize", d => new DequantizeSpec { Steps = [.. Enumerable.Range(0, d).Select(i => (double)(i % 3))] }) { Least = 1 },
    ];

    public static IEnumerable<TheoryDataRow<Kind>> Rows => All.Select(kind => new TheoryDataRow<Kind>(kind));

    private static SplineElementSpec Box => new() { Tails = SplineTails.Box, Lower = 0, Bound = 1, Bins = 5 };

    private static ConditionerSpec Periodic => new SequenceSpec
    {
        Steps = [new PeriodicFeaturesSpec { Features = [1], Scales = [0.7] }, .. Mlp.Layers(outputs: 4)],
    };

    private static SplineElementSpec MixedTails(int features) =>
        new() { Bound = 3, FeatureTails = [.. Enumerable.Range(0, features).Select(i => i % 2 == 0 ? SplineTails.Circular : SplineTails.Linear)] };

    private static SplineElementSpec OwnBounds(int features) => new() { Bins = 5, FeatureBounds = [.. Enumerable.Range(0, features).Select(i => 0.5 + i)] };

    private static AutoregressiveSpec Autoregressive(ElementSpec element) =>
        new() { Element = element, Conditioner = new MadeSpec { Hidden = [16, 12], Activation = Activation.Tanh } };

    private static CouplingSpec Coupling(CouplingMask mask, ElementSpec element, ConditionerSpec conditioner) =>
        new() { Mask = mask, Element = element, Conditioner = conditioner };

    private static FlowCouplingSpec FlowCoupling(CouplingMask mask) => new()
    {
        Mask = mask,
        Encoder = [new AddContextSpec(), new ConvLayerSpec { Channels = 3 }, new ActivationLayerSpec { Function = Activation.Tanh }],
        Inner =
        [
            new ActNormSpec(), new MatrixSpec(),
            new ElementwiseSpec { Element = new AffineElementSpec(), Conditioner = GuidedConvNet },
            Coupling(CouplingMask.FirstHalf, new AffineElementSpec(), new SequenceSpec { Steps = [new ConcatContextSpec(), new ConvLayerSpec { Channels = 2 }] }),
        ],
    };

    private static CouplingMask EveryThird(int features) =>
        CouplingMask.Explicit([.. Enumerable.Range(0, features).Select(i => i % 3 == 1)]);
}
