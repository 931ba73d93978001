using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;

namespace FlowCore;

/// <summary>FlowSpec to Flow: the only switches over kinds.</summary>
public static class FlowBuilder
{
    /// <summary>The flow with untrained weights.</summary>
    /// <exception cref="SpecException">The description contradicts itself; the message names the field.</exception>
    public static Flow Build(FlowSpec spec)
    {
        FlowSpecChecks.Check(spec);
        var shape = new EventShape(spec.EventShape, spec.Context?.EncodedWidth ?? 0);
        var bijections = new List<Bijection>(spec.Bijections.Length);
        for (int i = 0; i < spec.Bijections.Length; i++)
            bijections.Add(At($"bijections[{i}]", () => Build(spec.Bijections[i], shape)));
        return new Flow(spec, bijections, Build(spec.Base, spec.Width));
    }

    internal static Bijection Build(BijectionSpec spec, EventShape shape) => spec switch
    {
        CouplingSpec s => new Coupling(s, shape.Features, shape.Context),
        AutoregressiveSpec s => new Autoregressive(s, shape.Features, shape.Context),
        ElementwiseSpec s => new Elementwise(s, shape.Features, shape.Context),
        InvertedSpec s => new Inverted(s, shape),
        PermutationSpec s => new Permutation(s, shape.Features),
        LinearSpec => new LuLinear(shape.Features),
        RotationSpec => new Rotation(shape.Features),
        BatchNormSpec s => new BatchNorm(s, shape.Features),
        ScaleShiftSpec => new ScaleShift(shape.Features),
        SoftclipSpec s => new Softclip(s),
        ActNormSpec => new ActNorm(shape.Features),
        StandardizeSpec => new Standardize(shape.Features),
        LogitSpec s => new Logit(s),
        DequantizeSpec s => new Dequantize(s, shape.Features),
        _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
    };

    internal static Element Build(ElementSpec spec) => spec switch
    {
        AffineElementSpec s => new AffineElement(s),
        SplineElementSpec s => new SplineElement(s),
        GaussianizationElementSpec s => new GaussianizationElement(s),
        SumOfSquaresElementSpec s => new SumOfSquaresElement(s),
        BernsteinElementSpec s => new BernsteinElement(s),
        ArcsinhElementSpec => new ArcsinhElement(),
        _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
    };

    /// <summary>A network: <paramref name="inputs"/> values and the encoded context in, parameters out.</summary>
    internal static Network Build(ConditionerSpec spec, int inputs, int context, int outputs) =>
        new(spec.Layers(outputs), inputs, context, outputs);

    /// <summary>A layer at its place, which moves on to the place behind it.</summary>
    internal static Layer Build(LayerSpec spec, ref LayerPlace place)
    {
        LayerPlace at = place;
        place = at with
        {
            Width = spec switch
            {
                LinearLayerSpec s => s.Width,
                ConcatContextSpec => at.Width + at.Context,
                _ => at.Width,
            },
        };
        return spec switch
        {
            LinearLayerSpec s => new LinearLayer(s, at),
            ActivationLayerSpec s => new ActivationLayer(s),
            ResidualLayerSpec s => new ResidualLayer(s, at),
            ConcatContextSpec => new ConcatContext(),
            GateByContextSpec => new GateByContext(at),
            _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
        };
    }

    private static BaseDensity Build(BaseDensitySpec spec, int width) => spec switch
    {
        StandardNormalSpec => new StandardNormal(width),
        DiagonalNormalSpec => new DiagonalNormal(width),
        _ => throw new SpecException($"{spec.GetType().Name} is not built by FlowBuilder"),
    };

    private static Bijection At(string place, Func<Bijection> build)
    {
        try
        {
            return build();
        }
        catch (SpecException e)
        {
            throw new SpecException($"{place}.{e.Message}");
        }
    }
}

/// <summary>What a bijection is told of its place in the flow: the shape of one event there, and the width of the encoded context.</summary>
internal readonly record struct EventShape(int[] Sizes, int Context)
{
    /// <summary>The number of values of a vector event.</summary>
    public int Features => Sizes is [int features]
        ? features
        : throw new SpecException($"kind: needs a vector event, here the event shape is [{string.Join(", ", Sizes)}]");
}
