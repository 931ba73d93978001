using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore;

/// <summary>FlowSpec to Flow: the only switches over kinds.</summary>
public static class FlowBuilder
{
    /// <summary>The flow with untrained weights.</summary>
    /// <exception cref="SpecException">The description contradicts itself; the message names the field.</exception>
    public static Flow Build(FlowSpec spec)
    {
        FlowSpecChecks.Check(spec);
        LayerPlace context = spec.Context?.Place ?? default;
        var embedding = Network.BuildLayers(spec.Context?.Embedding ?? [], ref context);
        var shape = EventShape.Of(spec.EventShape, context.AsContext);
        var bijections = BuildAll(spec.Bijections, ref shape);
        BaseDensity density = Build(spec.Base, spec.Width, context.AsContext, spec.Context?.Classes ?? 0);
        return new Flow(spec, embedding, bijections, shape, density);
    }

    /// <summary>Bijections in order; the shape goes in as that of the data and comes out as that of the latents.</summary>
    internal static ModuleList<Bijection> BuildAll(BijectionSpec[] specs, ref EventShape shape)
    {
        var bijections = new Bijection[specs.Length];
        for (int i = 0; i < specs.Length; shape = specs[i].After(shape), i++)
            bijections[i] = Build(specs[i], shape);
        return nn.ModuleList(bijections);
    }

    internal static Bijection Build(BijectionSpec spec, EventShape shape) => spec switch
    {
        CouplingSpec s => new Coupling(s, shape),
        AutoregressiveSpec s => new Autoregressive(s, shape),
        ElementwiseSpec s => new Elementwise(s, shape),
        InvertedSpec s => new Inverted(Build(s.Of, shape)),
        SqueezeSpec s => new Squeeze(s, shape),
        UnsqueezeSpec s => new Inverted(new Squeeze(new SqueezeSpec { Order = s.Order }, s.After(shape))),
        TimeSqueezeSpec s => new TimeSqueeze(s),
        SplitSpec s => new Split(s, shape),
        PermutationSpec s => new Permutation(s, shape.Features),
        LinearSpec s => new LuLinear(s, shape),
        MatrixSpec s => new InvertibleMatrix(s, shape.Channels),
        RotationSpec => new Rotation(shape.Features),
        PlanarSpec s => new Planar(s, shape),
        HouseholderSpec s => new Householder(s, shape.Features),
        BatchNormSpec s => new Bijections.BatchNorm(s, shape.Features),
        ScaleShiftSpec s => new ScaleShift(s, shape),
        SoftclipSpec s => new Softclip(s),
        LeakyReluSpec s => new LeakyRelu(s),
        LogTanhSpec s => new LogTanh(s),
        WrapSpec s => new Wrap(s),
        ActNormSpec s => new ActNorm(s, shape),
        StandardizeSpec => new Standardize(shape.Features),
        LogitSpec s => new Logit(s),
        LogarithmSpec => new Logarithm(),
        DequantizeSpec s => new Dequantize(s, shape),
        HaarSpec => new Haar(),
        FlowCouplingSpec s => new FlowCoupling(s, shape),
        _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
    };

    internal static Element Build(ElementSpec spec, EventShape shape) => spec switch
    {
        AffineElementSpec s => new AffineElement(s, shape),
        SplineElementSpec s => new SplineElement(s),
        GaussianizationElementSpec s => new GaussianizationElement(s),
        SumOfSquaresElementSpec s => new SumOfSquaresElement(s),
        BernsteinElementSpec s => new BernsteinElement(s),
        ArcsinhElementSpec => new ArcsinhElement(),
        MonotonicNetworkElementSpec s => new MonotonicNetworkElement(s, shape.Features),
        IntegralElementSpec s => new IntegralElement(s, shape.Features),
        MixtureElementSpec s => new MixtureElement(s),
        _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
    };

    /// <summary>A network: features, or channels, and the encoded context in, parameters out.</summary>
    internal static Network Build(ConditionerSpec spec, EventShape inputs, int outputs) => new(spec.Layers(outputs), inputs);

    internal static Layer Build(LayerSpec spec, LayerPlace at) => spec switch
    {
        LinearLayerSpec s => new LinearLayer(s, at),
        ActivationLayerSpec s => new ActivationLayer(s),
        ResidualLayerSpec s => new ResidualLayer(s, at),
        ConcatContextSpec => new ConcatContext(),
        PeriodicFeaturesSpec s => new PeriodicFeatures(s),
        GateByContextSpec => new GateByContext(at),
        AddContextSpec s => new AddContext(s, at),
        StandardizeLayerSpec => new StandardizeLayer(at),
        LayerNormSpec s => new Conditioners.Layers.LayerNorm(s),
        BatchNormLayerSpec s => new BatchNormLayer(s, at),
        ScaleLayerSpec s => new ScaleLayer(s),
        ParallelLayerSpec s => new ParallelLayer(s, at),
        ZerosLayerSpec s => new ZerosLayer(s),
        ConvLayerSpec s => new ConvLayer(s, at),
        ChannelGainSpec s => new ChannelGain(s, at),
        ChannelAffineSpec => new ChannelAffine(at),
        ConcatNegativeSpec => new ConcatNegative(),
        SkipSumSpec s => new SkipSum(s, at),
        TimeConvSpec s => new TimeConv(s, at),
        DepthwiseTimeConvSpec s => new DepthwiseTimeConv(s, at),
        TransposedTimeConvSpec s => new TransposedTimeConv(s, at),
        RepeatFramesSpec s => new RepeatFrames(s),
        SqueezeFramesSpec s => new SqueezeFrames(s),
        GatedUnitSpec s => new GatedUnit(s, at),
        WaveNetSpec s => new WaveNet(s, at),
        DenseLayerSpec s => new DenseLayer(s, at),
        FlattenLayerSpec => new FlattenLayer(),
        _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
    };

    internal static BaseDensity Build(BaseDensitySpec spec, int width, ContextPlace context, int classes) => spec switch
    {
        StandardNormalSpec => new StandardNormal(width),
        DiagonalNormalSpec s => new DiagonalNormal(s, width),
        ConditionalNormalSpec s => new ConditionalNormal(s, width, context),
        ClassNormalSpec => new ClassNormal(width, classes),
        GlowNormalSpec s => new GlowNormal(s, width, classes),
        GaussianMixtureSpec s => new GaussianMixture(s, width),
        BoxUniformSpec => new BoxUniform(width),
        UniformNormalSpec s => new UniformNormal(s, width),
        LevelsSpec s => new Levels(s, width, context, classes),
        GivenSpec s => new Given(s, width),
        FlowBaseSpec s => new FlowBase(s, width, context),
        _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
    };
}
