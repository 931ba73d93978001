using System.Text.Json.Serialization;
using FlowCore.Engines.Compiled;
using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>Where the four pixels of a 2 x 2 block go.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SqueezeOrder>))]
public enum SqueezeOrder
{
    /// <summary>Channel c of pixel (dy, dx) becomes channel 4 c + 2 dy + dx.</summary>
    [JsonStringEnumMemberName("by_channel")]
    ByChannel,

    /// <summary>First all channels of pixel (0, 0), then of (1, 1), (0, 1) and (1, 0): the two diagonals apart (Dinh et al. 2017).</summary>
    [JsonStringEnumMemberName("by_diagonal")]
    ByDiagonal,
}

/// <summary>The settings of <see cref="Squeeze"/>.</summary>
public sealed record SqueezeSpec : BijectionSpec
{
    public SqueezeOrder Order { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Known("order", Order);
        var (_, height, width) = at.Image(shape);
        if (height % 2 != 0 || width % 2 != 0)
            throw at.Refusal("kind", $"a squeeze needs even height and width, here they are {height} x {width}");
    }

    internal override EventShape After(EventShape shape) =>
        shape with { Sizes = [4 * shape.Image.Channels, shape.Image.Height / 2, shape.Image.Width / 2] };

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        int[] from = Squeeze.Sources(shape, Order);
        to.Values = inverse
            ? to.Values.Select(shape.Sizes, Enumerable.Range(0, from.Length).OrderBy(i => from[i]))
            : to.Values.Select(After(shape).Sizes, from);
    }
}

/// <summary>The settings of a squeeze turned round: [4 C, H, W] to [C, 2 H, 2 W].</summary>
public sealed record UnsqueezeSpec : BijectionSpec
{
    public SqueezeOrder Order { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Known("order", Order);
        if (at.Image(shape).Channels % 4 != 0)
            throw at.Refusal("kind", $"an unsqueeze needs a multiple of 4 channels, here there are {shape.Channels}");
    }

    internal override EventShape After(EventShape shape) =>
        shape with { Sizes = [shape.Image.Channels / 4, 2 * shape.Image.Height, 2 * shape.Image.Width] };

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse) =>
        new SqueezeSpec { Order = Order }.Compile(to, After(shape), weights, !inverse);
}

/// <summary>[C, H, W] to [4 C, H / 2, W / 2]: trades pixels for channels (Dinh et al. 2017, section 3.6). Preserves volume.</summary>
public sealed class Squeeze : Bijection
{
    // (0,0), (1,1), (0,1), (1,0) as 2 dy + dx.
    private static readonly long[] Diagonals = [0, 3, 1, 2];

    // The channels in the other order, and back.
    private readonly Constant? order;
    private readonly Constant? back;

    internal Squeeze(SqueezeSpec spec, EventShape shape) : base(nameof(Squeeze))
    {
        if (spec.Order != SqueezeOrder.ByDiagonal)
            return;
        // Channel j of the result is channel order[j] of the other order.
        long[] channelsThere = [.. Diagonals.SelectMany(pixel => Enumerable.Range(0, shape.Channels).Select(c => 4L * c + pixel))];
        var channelsBack = new long[channelsThere.Length];
        for (int i = 0; i < channelsThere.Length; i++)
            channelsBack[channelsThere[i]] = i;
        order = new Constant(tensor(channelsThere));
        back = new Constant(tensor(channelsBack));
        RegisterComponents();
    }

    /// <summary>Which value of the event each value of the result is, both flat.</summary>
    internal static int[] Sources(EventShape shape, SqueezeOrder order)
    {
        var (channels, height, width) = shape.Image;
        var sources = new List<int>(shape.Width);
        for (int j = 0; j < 4 * channels; j++)
        {
            int byChannel = order == SqueezeOrder.ByDiagonal ? j % channels * 4 + (int)Diagonals[j / channels] : j;
            var (c, dy, dx) = (byChannel / 4, byChannel / 2 % 2, byChannel % 2);
            for (int y = 0; y < height / 2; y++)
                for (int x = 0; x < width / 2; x++)
                    sources.Add((c * height + 2 * y + dy) * width + 2 * x + dx);
        }
        return [.. sources];
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor z = nn.functional.pixel_unshuffle(x, 2);
        return Moved(order is null ? z : z.index_select(1, order.Values));
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return Moved(nn.functional.pixel_shuffle(back is null ? z : z.index_select(1, back.Values), 2));
    }

    private static Mapped Moved(Tensor values) => new(
        values.MoveToOuterDisposeScope(), zeros(values.shape[0], values.dtype, values.device).MoveToOuterDisposeScope());
}
