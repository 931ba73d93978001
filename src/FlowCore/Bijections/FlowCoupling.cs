using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="FlowCoupling"/>.</summary>
public sealed record FlowCouplingSpec : BijectionSpec
{
    /// <summary>What is transformed, as a coupling's mask says: features, channels, or a packed checkerboard.</summary>
    public required CouplingMask Mask { get; init; }

    /// <summary>The network that reads what is kept, and the context, and emits the context of the inner flow.</summary>
    public required LayerSpec[] Encoder { get; init; }

    /// <summary>What is done to the rest; together these keep its shape.</summary>
    public required BijectionSpec[] Inner { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        var (kept, transformed) = at.Given(Mask, "mask").Check(at, shape);
        if (Mask.IsFullResolution)
            throw at.Refusal("mask", $"'{Mask.Name}' leaves both parts at full resolution; a flow coupling needs a packed checkerboard, or channels");
        LayerPlace end = LayerSpec.Check(Encoder, at, "encoder", "encoder.layers", LayerPlace.Of(kept));
        EventShape inside = transformed with { Context = end.AsContext };
        if (!Check(Inner, at, "inner", inside).Sizes.SequenceEqual(inside.Sizes))
            throw at.Refusal("inner", $"must keep the shape [{string.Join(", ", inside.Sizes)}]");
    }

    internal override void CheckWeights(SpecScope at, EventShape shape, WeightScope weights) => CheckWeights(Inner, at, "inner", Inside(shape), weights);

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        SplitIndices split = SplitIndices.Of(Mask, shape);
        Place[] all = to.InOneRegion().Values;
        Node features = to.Encoded(Encoder, split.Kept.Sizes, [.. split.KeptValues.Select(i => (Place?)all[i])], weights.In("encoder"));
        Node? outer = to.Context;
        to.Context = features;
        EventShape inside = Inside(shape);
        to.Values = new Places(inside.Sizes, [.. split.TransformedValues.Select(i => all[i])]);
        CompiledFlow.Compile(Inner, "inner", to, inside, weights, inverse);
        Place[] after = to.Values.Values, joined = [.. all];
        for (int i = 0; i < after.Length; i++)
            joined[split.TransformedValues[i]] = after[i];
        to.Values = new Places(shape.Sizes, joined);
        to.Context = outer;
    }

    /// <summary>The transformed part, its context being what the encoder emits.</summary>
    internal EventShape Inside(EventShape shape)
    {
        SplitIndices split = SplitIndices.Of(Mask, shape);
        LayerPlace end = Encoder.Aggregate(LayerPlace.Of(split.Kept), (place, layer) => layer.After(place));
        return split.Transformed with { Context = end.AsContext };
    }
}

/// <summary>
/// z_b = f(x_b; encoder(x_a, context)), z_a = x_a: a coupling whose element is a conditional flow of its own, as in flows over the
/// details of wavelets given their means (Yu, Derpanis, Brubaker 2020, "Wavelet Flow", arXiv 2010.13821). The encoder runs once for
/// all steps of the inner flow.
/// </summary>
public sealed class FlowCoupling : Bijection
{
    private readonly CouplingSplit split;
    private readonly Network encoder;
    private readonly ModuleList<Bijection> inner;

    internal FlowCoupling(FlowCouplingSpec spec, EventShape shape) : base(nameof(FlowCoupling))
    {
        split = CouplingSplit.Of(spec.Mask, shape);
        encoder = new Network(spec.Encoder, split.Kept);
        EventShape inside = spec.Inside(shape);
        inner = FlowBuilder.BuildAll(spec.Inner, ref inside);
        RegisterComponents();
    }

    /// <summary>What the transformed part goes through.</summary>
    internal IEnumerable<Bijection> Inner => inner;

    public override Mapped Forward(Tensor x, Tensor? context) => Through(x, context, inverse: false);

    public override Mapped Inverse(Tensor z, Tensor? context) => Through(z, context, inverse: true);

    public override Tensor StartFrom(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (kept, values) = split.Apart(x);
        Tensor features = encoder.Forward(kept, context);
        foreach (Bijection bijection in inner)
            values = bijection.StartFrom(values, features);
        return split.Together(kept, values).MoveToOuterDisposeScope();
    }

    private Mapped Through(Tensor x, Tensor? context, bool inverse)
    {
        using var scope = NewDisposeScope();
        var (kept, values) = split.Apart(x);
        Tensor features = encoder.Forward(kept, context), logDet = zeros(x.shape[0], x.dtype, x.device);
        foreach (Bijection bijection in inverse ? inner.Reverse() : inner)
        {
            Mapped mapped = inverse ? bijection.Inverse(values, features) : bijection.Forward(values, features);
            (values, logDet) = (mapped.Values, logDet + mapped.LogDet);
        }
        return new(split.Together(kept, values).MoveToOuterDisposeScope(), logDet.MoveToOuterDisposeScope());
    }
}
