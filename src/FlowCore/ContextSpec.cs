using System.Text.Json.Serialization;
using FlowCore.Conditioners.Layers;

namespace FlowCore;

/// <summary>
/// The condition of a flow: a row of <see cref="Size"/> floats, an image of <see cref="Shape"/>, or one integer below
/// <see cref="Classes"/>.
/// </summary>
public sealed record ContextSpec
{
    public int? Size { get; init; }

    /// <summary>The shape of a context that is an image: <c>[C, h, w]</c>. A request sends its values flat, channel by channel.</summary>
    public int[]? Shape { get; init; }

    public int? Classes { get; init; }

    /// <summary>
    /// Where the context is the image itself, down-sampled: the side of the blocks whose means it is. Null where it is something else.
    /// </summary>
    public int? BlockMeans { get; init; }

    /// <summary>The names of the context columns, in order; null where they have none.</summary>
    public string[]? Features { get; init; }

    /// <summary>The columns of categories that the classes stand for; null where they stand for themselves.</summary>
    public CategorySpec? Categories { get; init; }

    /// <summary>
    /// The encoder, a network in front: what the flow is conditioned on is its output, computed once for rows that share a context. Null
    /// for the context itself.
    /// </summary>
    public LayerSpec[]? Embedding { get; init; }

    /// <summary>The number of values that a request sends for one row.</summary>
    [JsonIgnore]
    public int Width => Classes is null ? EncodedWidth : 1;

    /// <summary>The number of values that reach the embedding, or the conditioners: a class arrives there as one-hot.</summary>
    [JsonIgnore]
    public int EncodedWidth => Classes ?? Size ?? Shape?.Aggregate(1, (product, size) => product * size) ?? 0;

    /// <summary>Whether a context of this flow means the same to another one, whatever network stands behind it.</summary>
    internal bool SharesRowsWith(ContextSpec? other) => other is not null
        && (Size, Classes, BlockMeans) == (other.Size, other.Classes, other.BlockMeans)
        && (Shape ?? []).SequenceEqual(other.Shape ?? []) && FlowSpec.MayBeSame(Features, other.Features)
        && (Categories?.Names ?? []).SequenceEqual(other.Categories?.Names ?? []);

    /// <summary>The place in front of the embedding.</summary>
    [JsonIgnore]
    internal LayerPlace Place => Shape is null ? new(EncodedWidth, 0) : LayerPlace.Of(FlowCore.EventShape.Of(Shape, 0));
}
