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
        var context = new LayerPlace(spec.Context?.EncodedWidth ?? 0, 0);
        var embedding = Network.BuildLayers(spec.Context?.Embedding ?? [], "context.embedding", ref context);
        var shape = new EventShape(spec.EventShape, context.Width);
        var bijections = BuildAll(spec.Bijections, "bijections", ref shape);
        BaseDensity density = Build(spec.Base, spec.Width, context.Width, spec.Context?.Classes ?? 0);
        return new Flow(spec, embedding, bijections, shape, density);
    }

    /// <summary>Bijections in order; the shape goes in as that of the data and comes out as that of the latents.</summary>
    internal static ModuleList<Bijection> BuildAll(BijectionSpec[] specs, string field, ref EventShape shape)
    {
        var bijections = new List<Bijection>(specs.Length);
        for (int i = 0; i < specs.Length; i++)
        {
            try
            {
                bijections.Add(Build(specs[i], ref shape));
            }
            catch (SpecException e)
            {
                throw new SpecException($"{field}[{i}].{e.Message}");
            }
        }
        return nn.ModuleList([.. bijections]);
    }

    /// <summary>A bijection at its place, which moves on to the place behind it.</summary>
    internal static Bijection Build(BijectionSpec spec, ref EventShape shape)
    {
        Bijection bijection = Build(spec, shape);
        shape = After(spec, shape);
        return bijection;
    }

    /// <summary>The shape behind a bijection.</summary>
    internal static EventShape After(BijectionSpec spec, EventShape shape) => spec switch
    {
        SqueezeSpec => Squeeze.After(shape),
        UnsqueezeSpec => Squeeze.Before(shape),
        SplitSpec s => Split.After(s, shape),
        _ => shape,
    };

    private static Bijection Build(BijectionSpec spec, EventShape shape) => spec switch
    {
        CouplingSpec s => new Coupling(s, shape),
        AutoregressiveSpec s => new Autoregressive(s, shape),
        ElementwiseSpec s => new Elementwise(s, shape),
        InvertedSpec s => new Inverted(s, shape),
        SqueezeSpec s => new Squeeze(s, shape),
        UnsqueezeSpec s => new Inverted(new Squeeze(new SqueezeSpec { Order = s.Order }, Squeeze.Before(shape))),
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
        WrapSpec s => new Wrap(s, shape.Features),
        ActNormSpec s => new ActNorm(s, shape),
        StandardizeSpec => new Standardize(shape.Features),
        LogitSpec s => new Logit(s),
        DequantizeSpec s => new Dequantize(s, shape),
        _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
    };

    internal static Element Build(ElementSpec spec, EventShape shape) => spec switch
    {
        AffineElementSpec s => new AffineElement(s, shape),
        SplineElementSpec s => new SplineElement(s, shape.Channels),
        GaussianizationElementSpec s => new GaussianizationElement(s),
        SumOfSquaresElementSpec s => new SumOfSquaresElement(s),
        BernsteinElementSpec s => new BernsteinElement(s),
        ArcsinhElementSpec => new ArcsinhElement(),
        _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
    };

    /// <summary>A network: features, or channels, and the encoded context in, parameters out.</summary>
    internal static Network Build(ConditionerSpec spec, EventShape inputs, int outputs) => new(spec.Layers(outputs), inputs, outputs);

    /// <summary>A layer at its place, which moves on to the place behind it.</summary>
    internal static Layer Build(LayerSpec spec, ref LayerPlace place)
    {
        LayerPlace at = place;
        if (spec is ParallelLayerSpec parallel)
            return new ParallelLayer(parallel, ref place);
        place = at with
        {
            Width = spec switch
            {
                LinearLayerSpec s => s.Width,
                ZerosLayerSpec s => s.Width,
                ConvLayerSpec s => s.Channels,
                ConcatNegativeSpec => 2 * at.Width,
                SkipSumSpec s => s.Skip.Channels,
                ConcatContextSpec => at.Width + at.Context,
                _ => at.Width,
            },
        };
        return spec switch
        {
            LinearLayerSpec or ConcatContextSpec or GateByContextSpec or LayerNormSpec or PeriodicFeaturesSpec when at.IsImage => throw new SpecException("kind: needs a vector event"),
            LinearLayerSpec s => new LinearLayer(s, at),
            ActivationLayerSpec s => new ActivationLayer(s),
            ResidualLayerSpec s => new ResidualLayer(s, at),
            ConcatContextSpec => new ConcatContext(),
            PeriodicFeaturesSpec s => new PeriodicFeatures(s, at),
            GateByContextSpec => new GateByContext(at),
            AddContextSpec s => new AddContext(s, at),
            StandardizeLayerSpec => new StandardizeLayer(at),
            LayerNormSpec s => new Conditioners.Layers.LayerNorm(s),
            BatchNormLayerSpec s => new BatchNormLayer(s, at),
            ScaleLayerSpec s => new ScaleLayer(s),
            ZerosLayerSpec s => new ZerosLayer(s),
            ConvLayerSpec s when at.IsImage => new ConvLayer(s, at),
            ChannelGainSpec s when at.IsImage => new ChannelGain(s, at),
            ChannelAffineSpec when at.IsImage => new ChannelAffine(at),
            ConcatNegativeSpec => new ConcatNegative(),
            SkipSumSpec s when at.IsImage => new SkipSum(s, at),
            ConvLayerSpec or ChannelGainSpec or ChannelAffineSpec or SkipSumSpec => throw new SpecException("kind: needs an image event"),
            _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
        };
    }

    internal static BaseDensity Build(BaseDensitySpec spec, int width, int context, int classes) => spec switch
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
        _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
    };
}
