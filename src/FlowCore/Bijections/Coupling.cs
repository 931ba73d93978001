using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Coupling"/>.</summary>
public sealed record CouplingSpec : BijectionSpec
{
    public required CouplingMask Mask { get; init; }

    /// <summary>What is done to each transformed feature.</summary>
    public required ElementSpec Element { get; init; }

    /// <summary>The network that reads the kept features, and the context, and emits the element's parameters.</summary>
    public required ConditionerSpec Conditioner { get; init; }

    /// <summary>What is done to each kept feature, with parameters of its own that depend on nothing; null for nothing.</summary>
    public ElementSpec? KeptElement { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        var (kept, transformed) = at.Given(Mask, "mask").Check(at, shape);
        at.Given(Element, "element").Check(at.In("element"), transformed);
        at.Given(Conditioner, "conditioner").Check(at.In("conditioner"), kept, (long)transformed.Channels * Element.ParameterCount);
        if (KeptElement is null)
            return;
        if (Mask.IsFullResolution)
            throw at.Refusal("kept_element", $"does not go with the mask '{Mask.Name}', which keeps no value apart");
        KeptElement.Check(at.In("kept_element"), kept);
        at.Need("kept_parameters", [.. kept.Sizes, KeptElement.ParameterCount]);
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        SplitIndices split = SplitIndices.Of(Mask, shape);
        // The conditioner reads the data's side of the kept features.
        if (inverse)
            CompileKept(to, split, weights, inverse);
        Places places = to.InOneRegion();
        // In the order in which they stand at a pixel, so that they are read and written as neighbours.
        int[] channels = [.. Enumerable.Range(0, split.Transformed.Channels).OrderBy(channel => split.FirstOf(channel) is var i and >= 0 ? places.Values[i].Offset : 0)];
        var (network, output) = to.Network(
            Conditioner, split.Kept.Sizes, [.. split.KeptValues.Select(i => i < 0 ? (Place?)null : places.Values[i])],
            split.Transformed.Channels * Element.ParameterCount, weights.In("conditioner"),
            ElementParameters.Order(Element, [channels]));
        to.Add(network.All());
        var values = ElementParameters.All(split.Transformed, channels).Where(value => split.TransformedAt(value) >= 0).ToArray();
        WeightScope element = weights.In("element");
        ElementParameters.Apply(to, Element, inverse, element, split.Transformed.Channels, [.. values.Select(split.TransformedAt)], values,
            ElementParameters.Of(Element, output, element, split.Transformed, values));
        if (!inverse)
            CompileKept(to, split, weights, inverse);
    }

    private void CompileKept(FlowCompiler to, SplitIndices split, WeightScope weights, bool inverse)
    {
        if (KeptElement is null)
            return;
        var values = ElementParameters.All(split.Kept);
        Formula constants = weights.Take("kept_parameters", [.. split.Kept.Sizes, KeptElement.ParameterCount]);
        WeightScope element = weights.In("kept_element");
        int[] indices = [.. values.Select(value => split.KeptValues[value.Channel * split.Kept.Pixels + value.Pixel])];
        ElementParameters.Apply(to, KeptElement, inverse, element, split.Kept.Channels, indices, values,
            ElementParameters.Of(KeptElement, constants, element, split.Kept, values));
    }
}

/// <summary>
/// z_b = element(x_b; conditioner(x_a, context)), z_a = x_a: one part of the features is transformed with parameters that the
/// other part decides (Dinh, Sohl-Dickstein, Bengio 2017, "Density estimation using Real NVP", arXiv 1605.08803). The
/// conditioner emits the parameters feature by feature, <c>[transformed, parameters]</c>, or channel by channel.
/// </summary>
public sealed class Coupling : Bijection
{
    private readonly Element element;
    private readonly Element? kept_element;
    private readonly Parameter? kept_parameters;
    private readonly CouplingSplit split;
    private readonly Network conditioner;

    internal Coupling(CouplingSpec spec, EventShape shape) : base(nameof(Coupling))
    {
        split = CouplingSplit.Of(spec.Mask, shape);
        element = FlowBuilder.Build(spec.Element, split.Transformed);
        conditioner = FlowBuilder.Build(spec.Conditioner, split.Kept, split.Transformed.Channels * element.Parameters);
        if (spec.KeptElement is { } keptSpec)
        {
            kept_element = FlowBuilder.Build(keptSpec, split.Kept);
            kept_parameters = new Parameter(zeros([.. split.Kept.Sizes.Select(size => (long)size), kept_element.Parameters]));
        }
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (kept, transformed) = split.Apart(x);
        ElementMapped mapped = element.Forward(transformed, Parameters(kept, context));
        Tensor logDet = split.Counted(mapped.LogDerivative).flatten(1).sum(1);
        if (kept_element is not null)
        {
            ElementMapped own = kept_element.Forward(kept, KeptParameters(kept));
            (kept, logDet) = (own.Values, logDet + own.LogDerivative.flatten(1).sum(1));
        }
        return Joined(kept, mapped.Values, logDet);
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (kept, transformed) = split.Apart(z);
        Tensor? ownLogDet = null;
        if (kept_element is not null)
        {
            // The conditioner reads the data's side of the kept features.
            ElementMapped own = kept_element.Inverse(kept, KeptParameters(kept));
            (kept, ownLogDet) = (own.Values, own.LogDerivative.flatten(1).sum(1));
        }
        ElementMapped mapped = element.Inverse(transformed, Parameters(kept, context));
        Tensor logDet = split.Counted(mapped.LogDerivative).flatten(1).sum(1);
        return Joined(kept, mapped.Values, ownLogDet is null ? logDet : logDet + ownLogDet);
    }

    private Tensor Parameters(Tensor kept, Tensor? context) =>
        element.Arrange(conditioner.Forward(kept, context), split.Transformed);

    private Tensor KeptParameters(Tensor kept) =>
        kept_parameters!.unsqueeze(0).expand([kept.shape[0], .. kept_parameters.shape]);

    private Mapped Joined(Tensor kept, Tensor transformed, Tensor logDet) =>
        new(split.Together(kept, transformed).MoveToOuterDisposeScope(), logDet.MoveToOuterDisposeScope());
}
