using System.Diagnostics.CodeAnalysis;

namespace FlowService.Security;

/// <summary>What a caller may do.</summary>
[Flags]
internal enum Scopes
{
    None = 0,

    /// <summary>Compute, and ask about models.</summary>
    Infer = 1,

    /// <summary>Read /metrics.</summary>
    Metrics = 2,

    /// <summary>Load and unload models.</summary>
    Admin = 4,

    All = Infer | Metrics | Admin,
}

/// <summary>Marks an endpoint with the scope that its callers need; without it, it is open to everybody.</summary>
internal sealed record ScopeMetadata(Scopes Scope);

internal static class ScopeWords
{
    /// <summary>The scopes' words, in the order in which they are shown.</summary>
    public const string Known = "infer, metrics, admin";

    private static readonly char[] Between = [',', ' '];

    /// <summary>Marks an endpoint, or a group, that callers need a scope for.</summary>
    public static TBuilder For<TBuilder>(this TBuilder builder, Scopes scope)
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ScopeMetadata(scope));

    public static string Word(this Scopes scope) => scope switch
    {
        Scopes.Admin => "admin",
        Scopes.Metrics => "metrics",
        _ => "infer",
    };

    /// <summary>Reads words with commas or blanks between them; false where one of them is not a scope.</summary>
    public static bool TryParse(string text, out Scopes scopes, [NotNullWhen(false)] out string? unknown)
    {
        (scopes, unknown) = (Scopes.None, null);
        foreach (string word in text.Split(Between, StringSplitOptions.RemoveEmptyEntries))
            if (Of(word) is not Scopes.None and var scope)
                scopes |= scope;
            else
                unknown ??= word;
        return unknown is null;
    }

    /// <summary>The scope that a word names, or none.</summary>
    public static Scopes Of(string word) => word switch
    {
        "infer" => Scopes.Infer,
        "metrics" => Scopes.Metrics,
        "admin" => Scopes.Admin,
        _ => Scopes.None,
    };
}
