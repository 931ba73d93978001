using FlowService.Startup;
using Microsoft.Extensions.Options;

namespace FlowService.Security;

/// <summary>The section <c>Security</c>: who is let in.</summary>
internal sealed class SecurityOptions
{
    public const string Section = "Security";

    /// <summary>A JSON file with keys as they stand in the section Keys, <c>{"NAME": {"Hash": ..., "Scopes": ...}}</c>. It is read again whenever it changes.</summary>
    public string? KeysFile { get; set; }

    /// <summary>Whether the service may listen beyond this machine without keys (default false); <c>--insecure</c> is short for it.</summary>
    public bool Insecure { get; set; }

    /// <summary>The origins of web pages elsewhere that may call the service, like <c>https://lab.example</c>, with commas between them (default none; CORS).</summary>
    public string Origins { get; set; } = "";

    public string[] OriginList() => Origins.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}

internal sealed class SecurityOptionsValidator(IConfiguration configuration) : IValidateOptions<SecurityOptions>
{
    public ValidateOptionsResult Validate(string? name, SecurityOptions options)
    {
        List<string> faults = [.. options.OriginList().Where(origin => !IsOrigin(origin)).Select(origin =>
            $"Security:Origins must list origins, like https://lab.example, without a path and without a slash at the end; '{origin}' is none.")];
        KeyRing.Read(configuration, options.KeysFile is { Length: > 0 } file ? file : null, faults);
        if (!options.Insecure && !AccessRules.Guarded(configuration) && ListenAddresses.Configured(configuration).FirstOrDefault(url => !ListenAddresses.IsLocal(url)) is { } open)
            faults.Add($"It would listen at {open}, where others than this machine reach it, and nobody would need a key. Make one with 'FlowService key' "
                + "and put it into Security:KeysFile, or name an issuer of tokens with Jwt:Authority; or listen at http://localhost:8080; or start with --insecure.");
        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }

    private static bool IsOrigin(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" && text == uri.GetLeftPart(UriPartial.Authority);
}
