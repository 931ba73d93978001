using System.Collections.Frozen;
using System.Globalization;
using FlowCore;
using FlowRows.Pictures;

namespace FlowRows.Tables;

/// <summary>What columns are called, everywhere: the one rule by which what one program writes the other one reads.</summary>
internal static class RowNames
{
    private const string ZScorePrefix = "z_score_", ReasonPrefix = "reason_";

    private static readonly FrozenSet<string> OfAnswers = FrozenSet.Create(StringComparer.Ordinal,
        "log_prob", "log_det", "log_q", "latent_norm2", "bits_per_dim", InputComplexity.Column, "p_value", "q_value", "severity", "anomaly", "n_missing", "error", "row");

    public const string X = "x", Z = "z", Context = "context", Samples = "samples", Size = "size";

    /// <summary>
    /// The columns that answers add to rows. An answer that comes back as a body brings them along: they are passed over there,
    /// unless the model has a feature of that name.
    /// </summary>
    public static bool IsOfAnswers(string name) => OfAnswers.Contains(name)
        || name.StartsWith(ZScorePrefix, StringComparison.Ordinal)
        || (name.StartsWith(ReasonPrefix, StringComparison.Ordinal) && int.TryParse(name.AsSpan(ReasonPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _));

    /// <summary>The names of data: the model's features, or x_0, x_1, ...</summary>
    public static string[] Data(FlowSpec spec) => spec.Features ?? Numbered(X, spec.Width);

    /// <summary>The name of the distance of a feature from its mean, in standard deviations.</summary>
    public static string ZScore(string feature) => ZScorePrefix + feature;

    /// <summary>The name of a row's reason, counted from 1.</summary>
    public static string Reason(int number) => $"{ReasonPrefix}{number}";

    /// <summary>The names of latents: z_0, z_1, ...</summary>
    public static string[] Latents(FlowSpec spec) => Numbered(Z, spec.Width);

    /// <summary>The names of a context: its features, or context_0, context_1, ...; of a class without a name, context.</summary>
    public static string[] Contexts(ContextSpec context) =>
        context.Categories?.Columns ?? context.Features ?? (context.Classes is null ? Numbered(Context, context.Width) : [Context]);

    private static string[] Numbered(string name, int count)
    {
        var names = new string[count];
        for (int i = 0; i < count; i++)
            names[i] = $"{name}_{i}";
        return names;
    }
}
