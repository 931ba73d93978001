using System.Security.Claims;

namespace FlowService.Security;

/// <summary>What a token's claims say of its caller.</summary>
internal static class TokenCaller
{
    private static readonly string[] ScopeClaims = ["scope", "scp", "roles"];

    /// <summary>The caller: its subject, and the scopes that its claims name.</summary>
    public static Caller Of(ClaimsPrincipal principal, JwtOptions options)
    {
        Scopes scopes = Scopes.None;
        foreach (Claim claim in principal.Claims)
            if (Array.IndexOf(ScopeClaims, claim.Type) >= 0)
                foreach (string word in claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    if (word.StartsWith(options.ScopePrefix, StringComparison.Ordinal))
                        scopes |= ScopeWords.Of(word[options.ScopePrefix.Length..]);
        return new(principal.FindFirstValue("sub") ?? "", scopes, Models: null, options.RowsPerMinute);
    }
}
