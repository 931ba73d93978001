using System.Text.Json.Serialization;
using FlowCore.Engines.Compiled;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>How the two parts of a split stand in the latent.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SplitOrder>))]
public enum SplitOrder
{
    /// <summary>Flat: what went on first, then what was split off.</summary>
    [JsonStringEnumMemberName("inner_first")]
    InnerFirst,

    /// <summary>Flat: what was split off first, then what went on.</summary>
    [JsonStringEnumMemberName("split_first")]
    SplitFirst,

    /// <summary>As channels, in the shape they had: what went on must keep its shape.</summary>
    [JsonStringEnumMemberName("same_shape")]
    SameShape,
}

/// <summary>The settings of <see cref="Split"/>.</summary>
public sealed record SplitSpec : BijectionSpec
{
    /// <summary>What is latent already, as a coupling's mask says what is transformed: half of the channels, or of a packed checkerboard.</summary>
    public CouplingMask Mask { get; init; } = CouplingMask.SecondHalf;

    /// <summary>What the rest goes on through.</summary>
    public required BijectionSpec[] Inner { get; init; }

    public SplitOrder Order { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Known("order", Order);
        EventShape kept = at.Given(Mask, "mask").Check(at, shape).Kept;
        if (Mask.IsFullResolution)
            throw at.Refusal("mask", $"'{Mask.Name}' leaves both parts at full resolution; a split needs a packed checkerboard, or channels");
        EventShape end = Check(Inner, at, "inner", kept);
        if (Order == SplitOrder.SameShape && !end.Sizes.SequenceEqual(kept.Sizes))
            throw at.Refusal("order", $"same_shape, but inner leads from [{string.Join(", ", kept.Sizes)}] to [{string.Join(", ", end.Sizes)}]");
    }

    internal override void CheckWeights(SpecScope at, EventShape shape, WeightScope weights) =>
        CheckWeights(Inner, at, "inner", Mask.Check(at, shape).Kept, weights);

    internal override EventShape After(EventShape shape) => Order == SplitOrder.SameShape ? shape : shape with { Sizes = [shape.Width] };

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        SplitIndices split = SplitIndices.Of(Mask, shape);
        EventShape innerLatent = split.Kept;
        foreach (BijectionSpec spec in Inner)
            innerLatent = spec.After(innerLatent);
        // Where what goes on and what is split off stand among the data, and among the latents.
        (int[] Inner, int[] Beside) data = (split.KeptValues, split.TransformedValues);
        (int[] Inner, int[] Beside) latents = Order switch
        {
            SplitOrder.SameShape => data,
            SplitOrder.InnerFirst => (Run(0, data.Inner.Length), Run(data.Inner.Length, data.Beside.Length)),
            _ => (Run(data.Beside.Length, data.Inner.Length), Run(0, data.Beside.Length)),
        };
        var (from, into) = inverse ? (latents, data) : (data, latents);
        Place[] all = to.Values.Values, joined = new Place[all.Length];
        to.Values = new Places(inverse ? innerLatent.Sizes : split.Kept.Sizes, [.. from.Inner.Select(i => all[i])]);
        CompiledFlow.Compile(Inner, "inner", to, split.Kept, weights, inverse);
        for (int i = 0; i < into.Inner.Length; i++)
            joined[into.Inner[i]] = to.Values.Values[i];
        for (int i = 0; i < into.Beside.Length; i++)
            joined[into.Beside[i]] = all[from.Beside[i]];
        to.Values = new Places(inverse ? shape.Sizes : After(shape).Sizes, joined);
    }

    private static int[] Run(int first, int count) => [.. Enumerable.Range(first, count)];
}

/// <summary>
/// Factors out: one half is latent already, the other goes on through more bijections (Dinh et al. 2017, section 3.6). A prior of
/// the split half that depends on the other is a coupling in front of it.
/// </summary>
public sealed class Split : Bijection
{
    private readonly SplitOrder order;
    private readonly CouplingSplit split;
    private readonly EventShape innerLatent;
    private readonly ModuleList<Bijection> inner;

    internal Split(SplitSpec spec, EventShape shape) : base(nameof(Split))
    {
        order = spec.Order;
        split = CouplingSplit.Of(spec.Mask, shape);
        innerLatent = split.Kept;
        inner = FlowBuilder.BuildAll(spec.Inner, ref innerLatent);
        RegisterComponents();
    }

    /// <summary>What the part that is not split off goes on through.</summary>
    internal IEnumerable<Bijection> Inner => inner;

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (values, rest) = split.Apart(x);
        Tensor logDet = zeros(x.shape[0], x.dtype, x.device);
        foreach (Bijection bijection in inner)
        {
            Mapped mapped = bijection.Forward(values, context);
            (values, logDet) = (mapped.Values, logDet + mapped.LogDet);
        }
        return new(Joined(values, rest).MoveToOuterDisposeScope(), logDet.MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (values, rest) = order == SplitOrder.SameShape ? split.Apart(z) : Flat(z);
        Tensor logDet = zeros(z.shape[0], z.dtype, z.device);
        for (int i = inner.Count - 1; i >= 0; i--)
        {
            Mapped mapped = inner[i].Inverse(values, context);
            (values, logDet) = (mapped.Values, logDet + mapped.LogDet);
        }
        return new(split.Together(values, rest).MoveToOuterDisposeScope(), logDet.MoveToOuterDisposeScope());
    }

    public override Tensor StartFrom(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (values, rest) = split.Apart(x);
        foreach (Bijection bijection in inner)
            values = bijection.StartFrom(values, context);
        return Joined(values, rest).MoveToOuterDisposeScope();
    }

    private Tensor Joined(Tensor values, Tensor rest) => order switch
    {
        SplitOrder.SameShape => split.Together(values, rest),
        SplitOrder.InnerFirst => cat([values.flatten(1), rest.flatten(1)], 1),
        _ => cat([rest.flatten(1), values.flatten(1)], 1),
    };

    private (Tensor Values, Tensor Beside) Flat(Tensor z)
    {
        int inside = innerLatent.Width, outside = split.Transformed.Width;
        return order == SplitOrder.InnerFirst
            ? (Shaped(z.narrow(1, 0, inside), innerLatent), Shaped(z.narrow(1, inside, outside), split.Transformed))
            : (Shaped(z.narrow(1, outside, inside), innerLatent), Shaped(z.narrow(1, 0, outside), split.Transformed));
    }

    private static Tensor Shaped(Tensor rows, EventShape shape) => rows.reshape([rows.shape[0], .. shape.Sizes.Select(size => (long)size)]);
}
