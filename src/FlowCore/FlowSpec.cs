using System.Text.Json.Serialization;
using FlowCore.Densities;

namespace FlowCore;

/// <summary>
/// What a flow is made of: the content of a checkpoint's <c>flow.json</c>. Bijections are listed in the order that data
/// pass on their way to the latents.
/// </summary>
public sealed record FlowSpec
{
    public const int CurrentFormat = 1;

    /// <summary>The version of this file format; a reader refuses one that it does not know.</summary>
    public int FormatVersion { get; init; } = CurrentFormat;

    public required string Name { get; init; }

    /// <summary>The shape of one datum: <c>[D]</c>, <c>[C, H, W]</c>, or <c>[channels, frames]</c> of a sound.</summary>
    public required int[] EventShape { get; init; }

    /// <summary>The names of the columns that the model was trained on, in order; null where the data had none.</summary>
    public string[]? Features { get; init; }

    /// <summary>Columns of the data that tell nothing of a row, since they were constant: readers pass over them. Null where there are none.</summary>
    public string[]? Ignored { get; init; }

    /// <summary>What values the pixels of its images take; null where that is not known.</summary>
    public PixelValues? Pixels { get; init; }

    /// <summary>What the flow is conditioned on; null for an unconditional flow.</summary>
    public ContextSpec? Context { get; init; }

    /// <summary>For a vocoder, what its sound is, and how its mels are taken; null for other flows.</summary>
    public SoundSpec? Sound { get; init; }

    public required BijectionSpec[] Bijections { get; init; }

    [JsonPropertyName("base")]
    public BaseDensitySpec Base { get; init; } = new StandardNormalSpec();

    /// <summary>The weights that belong to this description; null until a checkpoint is written.</summary>
    public WeightsRecord? Weights { get; init; }

    public Provenance? Provenance { get; init; }

    public TrainingRecord? Training { get; init; }

    /// <summary>The number of values in one datum, and so in one latent.</summary>
    [JsonIgnore]
    public int Width => EventShape.Aggregate(1, (product, size) => checked(product * size));

    /// <summary>The number of values that the context leaves open: all of them, but for images whose context is their own means.</summary>
    [JsonIgnore]
    public int FreeWidth => Width - (Context?.BlockMeans is null ? 0 : ContextWidth);

    /// <summary>The number of context values that a request sends with each row: 0 without a condition, 1 for a class.</summary>
    [JsonIgnore]
    public int ContextWidth => Context?.Width ?? 0;

    /// <summary>
    /// Whether a row of this flow, its context with it, means the same to another one: its shape, its columns and its categories are the
    /// same, in the same order. Columns without names, and images whose pixels are not known, may be any.
    /// </summary>
    public bool SharesRowsWith(FlowSpec other) => EventShape.SequenceEqual(other.EventShape) && MayBeSame(Features, other.Features)
        && (Pixels is null || other.Pixels is null || Pixels == other.Pixels)
        && (Context is { } context ? context.SharesRowsWith(other.Context) : other.Context is null);

    /// <summary>Whether two lists of names are not known to differ.</summary>
    internal static bool MayBeSame(string[]? one, string[]? other) => one is null || other is null || one.SequenceEqual(other);

    /// <summary>What is said to who gives an unconditional model a context.</summary>
    public static string TakesNoContext(string model) => $"model '{model}' takes no context; leave it out";
}
