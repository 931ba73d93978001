using Microsoft.Extensions.Options;

namespace FlowService.Security;

/// <summary>The section <c>Jwt</c>: tokens of an issuer (OpenID Connect) that are taken beside keys.</summary>
internal sealed class JwtOptions
{
    public const string Section = "Jwt";

    /// <summary>The issuer, like <c>https://login.example/realms/lab</c>, whose signing keys are fetched from there (default none: no tokens are taken).</summary>
    public string? Authority { get; set; }

    /// <summary>The audience that a token must name.</summary>
    public string? Audience { get; set; }

    /// <summary>What stands before infer, metrics and admin in a token's claims scope, scp or roles (default nothing), like <c>flow.</c></summary>
    public string ScopePrefix { get; set; } = "";

    /// <summary>Whether the issuer is asked over https alone (default true).</summary>
    public bool RequireHttps { get; set; } = true;

    /// <summary>The most rows in a minute of each subject; 0 for no limit (default 0).</summary>
    public int RowsPerMinute { get; set; }
}

internal sealed class JwtOptionsValidator : IValidateOptions<JwtOptions>
{
    public ValidateOptionsResult Validate(string? name, JwtOptions options)
    {
        if (options.RowsPerMinute < 0)
            return ValidateOptionsResult.Fail("Jwt:RowsPerMinute must be 0 or more: the most rows in a minute of each subject, 0 for no limit (default 0).");
        if (string.IsNullOrEmpty(options.Authority))
            return string.IsNullOrEmpty(options.Audience) ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail("Jwt:Authority must name the issuer of the tokens where Jwt:Audience is set: without it none is taken.");
        if (string.IsNullOrEmpty(options.Audience))
            return ValidateOptionsResult.Fail("Jwt:Audience must name the audience of the tokens where Jwt:Authority is set: else tokens for other services would be taken.");
        return Uri.TryCreate(options.Authority, UriKind.Absolute, out Uri? issuer) && (issuer.Scheme == Uri.UriSchemeHttps || (issuer.Scheme == Uri.UriSchemeHttp && !options.RequireHttps))
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"Jwt:Authority must be an https address; it is '{options.Authority}' (set Jwt:RequireHttps to false for one of http).");
    }
}
