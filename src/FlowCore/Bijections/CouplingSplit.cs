using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>Takes what a coupling keeps and what it transforms apart, and puts them together again.</summary>
internal abstract class CouplingSplit(string name) : nn.Module(name)
{
    /// <summary>The shape of what the conditioner reads.</summary>
    public abstract EventShape Kept { get; }

    /// <summary>The shape of what is transformed.</summary>
    public abstract EventShape Transformed { get; }

    public abstract (Tensor Kept, Tensor Transformed) Apart(Tensor values);

    public abstract Tensor Together(Tensor kept, Tensor transformed);

    /// <summary>Log-derivatives of what is really transformed: others count as 0.</summary>
    public virtual Tensor Counted(Tensor logDerivative) => logDerivative;

    public static CouplingSplit Of(CouplingMask mask, EventShape shape) => mask.Name switch
    {
        "checkerboard_even" or "checkerboard_odd" => new MaskedPixels(mask, shape),
        "packed_checkerboard_even" or "packed_checkerboard_odd" => new PackedPixels(mask, shape),
        _ => new ChannelSplit(mask, shape),
    };
}

/// <summary>
/// What a coupling keeps and what it transforms, as indices of the flat event: of each kept value (below 0 where the conditioner is
/// given a 0 instead), and of each transformed one (below 0 where a place of that shape is not transformed).
/// </summary>
internal sealed record SplitIndices(EventShape Kept, int[] KeptValues, EventShape Transformed, int[] TransformedValues)
{
    public int TransformedAt((int Channel, int Pixel) value) => TransformedValues[value.Channel * Transformed.Pixels + value.Pixel];

    /// <summary>A channel's first transformed value; below 0 where there is none.</summary>
    public int FirstOf(int channel) =>
        Enumerable.Range(0, Transformed.Pixels).Select(pixel => TransformedAt((channel, pixel))).FirstOrDefault(i => i >= 0, -1);

    public static SplitIndices Of(CouplingMask mask, EventShape shape)
    {
        int[] all = [.. Enumerable.Range(0, shape.Width)];
        if (mask.Name is { } name && name.Contains("checkerboard", StringComparison.Ordinal))
        {
            bool packed = name.StartsWith("packed", StringComparison.Ordinal);
            var (_, height, width) = shape.Image;
            int parity = name.EndsWith("odd", StringComparison.Ordinal) ? 1 : 0;
            bool Transforms(int i) => ((packed ? i / (height * width) : 0) + i / width % height + i % width) % 2 == parity;
            if (!packed)
                return new(shape, [.. all.Select(i => Transforms(i) ? -1 : i)], shape, [.. all.Select(i => Transforms(i) ? i : -1)]);
            EventShape half = shape with { Sizes = [shape.Channels, height, width / 2] };
            return new(half, [.. all.Where(i => !Transforms(i))], half, [.. all.Where(Transforms)]);
        }
        long[] kept = mask.Indices(shape.Channels, transformed: false), transformed = mask.Indices(shape.Channels, transformed: true);
        int[] Values(long[] channels) => [.. channels.SelectMany(channel => Enumerable.Range((int)channel * shape.Pixels, shape.Pixels))];
        return new(
            shape with { Sizes = [kept.Length, .. shape.Sizes[1..]] }, Values(kept), shape with { Sizes = [transformed.Length, .. shape.Sizes[1..]] }, Values(transformed));
    }
}

/// <summary>Features of a vector, channels of an image: runs of neighbours are views, other masks gather.</summary>
internal sealed class ChannelSplit : CouplingSplit
{
    private readonly long[] keptIndices;
    private readonly long[] transformedIndices;
    private readonly bool contiguous;
    private readonly Constant? kept;
    private readonly Constant? transformed;
    private readonly Constant? position;

    public ChannelSplit(CouplingMask mask, EventShape shape) : base(nameof(ChannelSplit))
    {
        keptIndices = mask.Indices(shape.Channels, transformed: false);
        transformedIndices = mask.Indices(shape.Channels, transformed: true);
        Kept = shape with { Sizes = [keptIndices.Length, .. shape.Sizes[1..]] };
        Transformed = shape with { Sizes = [transformedIndices.Length, .. shape.Sizes[1..]] };
        contiguous = IsRun(keptIndices) && IsRun(transformedIndices);
        if (contiguous)
            return;
        // Where channel i stands in [kept | transformed].
        var positions = new long[shape.Channels];
        for (int i = 0; i < positions.Length; i++)
            positions[i < keptIndices.Length ? keptIndices[i] : transformedIndices[i - keptIndices.Length]] = i;
        kept = new Constant(tensor(keptIndices));
        transformed = new Constant(tensor(transformedIndices));
        position = new Constant(tensor(positions));
        RegisterComponents();
    }

    public override EventShape Kept { get; }

    public override EventShape Transformed { get; }

    public override (Tensor Kept, Tensor Transformed) Apart(Tensor values) => contiguous
        ? (values.narrow(1, keptIndices[0], keptIndices.Length), values.narrow(1, transformedIndices[0], transformedIndices.Length))
        : (values.index_select(1, kept!.Values), values.index_select(1, transformed!.Values));

    public override Tensor Together(Tensor kept, Tensor transformed)
    {
        if (contiguous)
            return keptIndices[0] == 0 ? cat([kept, transformed], 1) : cat([transformed, kept], 1);
        using Tensor joined = cat([kept, transformed], 1);
        return joined.index_select(1, position!.Values);
    }

    private static bool IsRun(long[] indices) => indices[^1] - indices[0] == indices.Length - 1;
}

/// <summary>A checkerboard of pixels at full resolution: the conditioner reads the image with the transformed pixels set to 0.</summary>
internal sealed class MaskedPixels : CouplingSplit
{
    private readonly Constant keeps;

    public MaskedPixels(CouplingMask mask, EventShape shape) : base(nameof(MaskedPixels))
    {
        var (_, height, width) = shape.Image;
        Kept = Transformed = shape;
        int parity = mask.Name!.EndsWith("odd", StringComparison.Ordinal) ? 1 : 0;
        var kept = new bool[height, width];
        for (int i = 0; i < height; i++)
            for (int j = 0; j < width; j++)
                kept[i, j] = (i + j) % 2 != parity;
        keeps = new Constant(tensor(kept));
        RegisterComponents();
    }

    public override EventShape Kept { get; }

    public override EventShape Transformed { get; }

    public override (Tensor Kept, Tensor Transformed) Apart(Tensor values) =>
        (where(keeps.Values, values, zeros_like(values)), values);

    public override Tensor Together(Tensor kept, Tensor transformed) => where(keeps.Values, kept, transformed);

    public override Tensor Counted(Tensor logDerivative) => where(keeps.Values, zeros_like(logDerivative), logDerivative);
}

/// <summary>A checkerboard through channels and pixels, each colour packed to half the width (normflows).</summary>
internal sealed class PackedPixels : CouplingSplit
{
    private readonly long[] sizes;
    private readonly Constant kept;
    private readonly Constant transformed;
    private readonly Constant position;

    public PackedPixels(CouplingMask mask, EventShape shape) : base(nameof(PackedPixels))
    {
        var (channels, height, width) = shape.Image;
        Kept = Transformed = shape with { Sizes = [channels, height, width / 2] };
        sizes = [channels, height, width];
        int parity = mask.Name!.EndsWith("odd", StringComparison.Ordinal) ? 1 : 0;
        var colours = new List<long>[] { [], [] };
        for (int c = 0, at = 0; c < channels; c++)
            for (int i = 0; i < height; i++)
                for (int j = 0; j < width; j++, at++)
                    colours[(c + i + j) % 2 == parity ? 1 : 0].Add(at);
        long[] both = [.. colours[0], .. colours[1]];
        var positions = new long[both.Length];
        for (int i = 0; i < both.Length; i++)
            positions[both[i]] = i;
        kept = new Constant(tensor(colours[0].ToArray()));
        transformed = new Constant(tensor(colours[1].ToArray()));
        position = new Constant(tensor(positions));
        RegisterComponents();
    }

    public override EventShape Kept { get; }

    public override EventShape Transformed { get; }

    public override (Tensor Kept, Tensor Transformed) Apart(Tensor values)
    {
        Tensor flat = values.flatten(1);
        long[] packed = [values.shape[0], sizes[0], sizes[1], sizes[2] / 2];
        return (flat.index_select(1, kept.Values).reshape(packed), flat.index_select(1, transformed.Values).reshape(packed));
    }

    public override Tensor Together(Tensor kept, Tensor transformed) =>
        cat([kept.flatten(1), transformed.flatten(1)], 1).index_select(1, position.Values).reshape([kept.shape[0], .. sizes]);
}
