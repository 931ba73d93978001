using System.Text.Json.Serialization;
using FlowCore.Densities;
using FlowCore.Engines.Compiled;
using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>How a permutation orders the features.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FeatureOrder>))]
public enum FeatureOrder
{
    /// <summary>Last to first.</summary>
    [JsonStringEnumMemberName("reverse")]
    Reverse,

    /// <summary>The two halves change places; with an odd number, the first half is the smaller one.</summary>
    [JsonStringEnumMemberName("swap")]
    Swap,

    /// <summary>At random, fixed by the seed.</summary>
    [JsonStringEnumMemberName("shuffle")]
    Shuffle,

    /// <summary>As <see cref="PermutationSpec.Indices"/> says.</summary>
    [JsonStringEnumMemberName("explicit")]
    Explicit,
}

/// <summary>The settings of <see cref="Permutation"/>.</summary>
public sealed record PermutationSpec : BijectionSpec
{
    public required FeatureOrder Order { get; init; }

    /// <summary>Which shuffle.</summary>
    public ulong Seed { get; init; }

    /// <summary>The explicit order: z[j] = x[indices[j]].</summary>
    public int[]? Indices { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        int features = at.Vector(shape);
        at.Known("order", Order);
        if (Order == FeatureOrder.Explicit != Indices is not null)
            throw at.Refusal("indices", "belong to the order 'explicit', and it needs them");
        if (Indices is not null && !Indices.Order().SequenceEqual(Enumerable.Range(0, features)))
            throw at.Refusal("indices", $"must hold each of 0..{features - 1} once");
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        int[] order = Permutation.OrderOf(this, shape.Features);
        to.Values = to.Values.Select(shape.Sizes, inverse ? Enumerable.Range(0, order.Length).OrderBy(i => order[i]) : order);
    }
}

/// <summary>z[j] = x[order[j]]: moves features, preserves volume.</summary>
public sealed class Permutation : Bijection
{
    private readonly Constant order;
    private readonly Constant back;

    public Permutation(PermutationSpec spec, int features) : base(nameof(Permutation))
    {
        int[] there = OrderOf(spec, features), again = new int[features];
        for (int i = 0; i < features; i++)
            again[there[i]] = i;
        order = new Constant(tensor(there, int64));
        back = new Constant(tensor(again, int64));
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context) => Move(x, order);

    public override Mapped Inverse(Tensor z, Tensor? context) => Move(z, back);

    private static Mapped Move(Tensor values, Constant by) =>
        new(values.index_select(1, by.Values), zeros(values.shape[0], values.dtype, values.device));

    internal static int[] OrderOf(PermutationSpec spec, int features)
    {
        int[] identity = [.. Enumerable.Range(0, features)];
        return spec.Order switch
        {
            FeatureOrder.Reverse => [.. identity.Reverse()],
            FeatureOrder.Swap => [.. identity.Skip(features / 2), .. identity.Take(features / 2)],
            FeatureOrder.Shuffle => Shuffled(identity, spec.Seed),
            _ => spec.Indices!,
        };
    }

    // Fisher-Yates, each choice from its own Philox counter.
    private static int[] Shuffled(int[] order, ulong seed)
    {
        for (int i = order.Length - 1; i > 0; i--)
        {
            uint word = Philox.At((uint)i, 0, 0, 1, (uint)seed, (uint)(seed >> 32)).W0;
            int j = (int)(((ulong)word * (ulong)(i + 1)) >> 32);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }
}
