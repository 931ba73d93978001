using FlowCore;

namespace FlowRows.Tables;

/// <summary>What columns are called, everywhere: the one rule by which what one program writes the other one reads.</summary>
internal static class RowNames
{
    public const string X = "x", Z = "z", Context = "context", Samples = "samples";

    /// <summary>
    /// The columns that answers add to rows. An answer that comes back as a body brings them along: they are passed over there,
    /// unless the model has a feature of that name.
    /// </summary>
    public static readonly string[] OfAnswers = ["log_prob", "log_det", "log_q", "latent_norm2", "bits_per_dim", "error", "row"];

    /// <summary>The names of data: the model's features, or x_0, x_1, ...</summary>
    public static string[] Data(FlowSpec spec) => spec.Features ?? Numbered(X, spec.Width);

    /// <summary>The names of latents: z_0, z_1, ...</summary>
    public static string[] Latents(FlowSpec spec) => Numbered(Z, spec.Width);

    /// <summary>The names of a context: its features, or context_0, context_1, ...; of a class without a name, context.</summary>
    public static string[] Contexts(ContextSpec context) =>
        context.Features ?? (context.Classes is null ? Numbered(Context, context.Width) : [Context]);

    private static string[] Numbered(string name, int count)
    {
        var names = new string[count];
        for (int i = 0; i < count; i++)
            names[i] = $"{name}_{i}";
        return names;
    }
}
