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
    /// <summary>What the first half of the channels goes on through.</summary>
    public required BijectionSpec[] Inner { get; init; }

    public SplitOrder Order { get; init; }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        EventShape half = shape with { Sizes = [shape.Channels / 2, .. shape.Sizes[1..]] }, innerLatent = half;
        foreach (BijectionSpec spec in Inner)
            innerLatent = FlowBuilder.After(spec, innerLatent);
        Place[] all = to.Values.Values;
        Place[] inner = Order == SplitOrder.SplitFirst && inverse ? all[half.Width..] : all[..half.Width];
        Place[] rest = Order == SplitOrder.SplitFirst && inverse ? all[..half.Width] : all[half.Width..];
        to.Values = new Places(inverse ? innerLatent.Sizes : half.Sizes, inner);
        CompiledFlow.Compile(Inner, "inner", to, half, weights, inverse);
        inner = to.Values.Values;
        to.Values = new Places(inverse ? shape.Sizes : Split.After(this, shape).Sizes,
            Order == SplitOrder.SplitFirst && !inverse ? [.. rest, .. inner] : [.. inner, .. rest]);
    }
}

/// <summary>
/// Factors out: the second half of the channels is latent already, the first goes on through more bijections (Dinh et al. 2017,
/// section 3.6). A prior of the split half that depends on the other is a coupling in front of it.
/// </summary>
public sealed class Split : Bijection
{
    private readonly SplitOrder order;
    private readonly EventShape half;
    private readonly EventShape innerLatent;
    private readonly ModuleList<Bijection> inner;

    internal Split(SplitSpec spec, EventShape shape) : base(nameof(Split))
    {
        if (shape.Channels % 2 != 0)
            throw new SpecException($"kind: a split needs an even number of channels, here there are {shape.Channels}");
        order = spec.Order;
        half = shape with { Sizes = [shape.Channels / 2, .. shape.Sizes[1..]] };
        innerLatent = half;
        inner = FlowBuilder.BuildAll(spec.Inner, "inner", ref innerLatent);
        if (order == SplitOrder.SameShape && !innerLatent.Sizes.SequenceEqual(half.Sizes))
            throw new SpecException($"order: same_shape, but inner leads from [{string.Join(", ", half.Sizes)}] to [{string.Join(", ", innerLatent.Sizes)}]");
        RegisterComponents();
    }

    internal static EventShape After(SplitSpec spec, EventShape shape) =>
        spec.Order == SplitOrder.SameShape ? shape : shape with { Sizes = [shape.Width] };

    /// <summary>What the first half of the channels goes on through.</summary>
    internal IEnumerable<Bijection> Inner => inner;

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor values = x.narrow(1, 0, half.Channels), rest = x.narrow(1, half.Channels, half.Channels);
        Tensor logDet = zeros(x.shape[0], x.dtype, x.device);
        foreach (Bijection bijection in inner)
        {
            Mapped mapped = bijection.Forward(values, context);
            (values, logDet) = (mapped.Values, logDet + mapped.LogDet);
        }
        Tensor z = order switch
        {
            SplitOrder.SameShape => cat([values, rest], 1),
            SplitOrder.InnerFirst => cat([values.flatten(1), rest.flatten(1)], 1),
            _ => cat([rest.flatten(1), values.flatten(1)], 1),
        };
        return new(z.MoveToOuterDisposeScope(), logDet.MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor flat = z.flatten(1);
        bool innerFirst = order != SplitOrder.SplitFirst;
        Tensor values = flat.narrow(1, innerFirst ? 0 : half.Width, half.Width).reshape(Batch(z, innerLatent));
        Tensor rest = flat.narrow(1, innerFirst ? half.Width : 0, half.Width).reshape(Batch(z, half));
        Tensor logDet = zeros(z.shape[0], z.dtype, z.device);
        for (int i = inner.Count - 1; i >= 0; i--)
        {
            Mapped mapped = inner[i].Inverse(values, context);
            (values, logDet) = (mapped.Values, logDet + mapped.LogDet);
        }
        return new(cat([values.reshape(Batch(z, half)), rest], 1).MoveToOuterDisposeScope(), logDet.MoveToOuterDisposeScope());
    }

    public override void Initialize(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor values = x.narrow(1, 0, half.Channels);
        foreach (Bijection bijection in inner)
        {
            bijection.Initialize(values, context);
            values = bijection.Forward(values, context).Values;
        }
    }

    private static long[] Batch(Tensor rows, EventShape shape) => [rows.shape[0], .. shape.Sizes.Select(size => (long)size)];
}
