using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using FlowService.Errors;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Options;

namespace FlowService.Security;

/// <summary>
/// Who may make a call. Administration needs a key, a token or the administrators' socket, always; computing and metrics need one where there
/// are any. The address that a call comes from proves nothing: web pages and proxies call from this machine too.
/// </summary>
internal sealed class AccessRules(KeyRing keys, IOptions<AdminOptions> admin, IOptions<JwtOptions> jwt, IConfiguration configuration)
{
    private const string Scheme = "Bearer ", KeyHeader = "X-Api-Key";

    private static readonly Caller OfAdminKey = new("Admin:Key", Scopes.All, Models: null, RowsPerMinute: 0), OfSocket = new("Admin:Socket", Scopes.All, Models: null, RowsPerMinute: 0);

    private readonly bool guarded = Guarded(configuration);
    private readonly byte[]? adminKey = admin.Value.Key is { Length: > 0 } key ? Hashed(key) : null;

    /// <summary>Whether computing needs a key.</summary>
    public static bool Guarded(IConfiguration configuration) =>
        configuration[$"{SecurityOptions.Section}:{nameof(SecurityOptions.KeysFile)}"] is { Length: > 0 }
        || configuration[$"{JwtOptions.Section}:{nameof(JwtOptions.Authority)}"] is { Length: > 0 } || configuration.GetSection(ApiKey.Section).GetChildren().Any();

    /// <summary>Whether calls of a scope need a key.</summary>
    public bool IsGuarded(Scopes scope) => scope == Scopes.Admin || guarded || keys.HasAny;

    /// <summary>Whether the call came by the administrators' socket, which neither web pages nor other users can open.</summary>
    public bool IsBySocket(HttpContext http) => admin.Value.Socket is { Length: > 0 } path
        && http.Features.Get<IConnectionSocketFeature>()?.Socket.LocalEndPoint is UnixDomainSocketEndPoint socket && socket.ToString() == Path.GetFullPath(path);

    /// <summary>Lets a call pass that may be made, and notes whose it is.</summary>
    /// <exception cref="RequestException">401 without a key that is known, 403 with one that does not open this.</exception>
    public async ValueTask CheckAsync(HttpContext http, Scopes scope)
    {
        Caller caller = await CallerAsync(http, scope);
        if ((caller.Scopes & scope) == 0)
            throw new RequestException(ProblemKind.Forbidden, $"this key does not open the call, which needs the scope {scope.Word()}");
        http.Features.Set(caller);
    }

    private async ValueTask<Caller> CallerAsync(HttpContext http, Scopes scope)
    {
        if (IsBySocket(http))
            return OfSocket;
        string? key = KeyOf(http.Request);
        if (key is null)
            throw Missing(scope);
        if (adminKey is not null && CryptographicOperations.FixedTimeEquals(Hashed(key), adminKey))
            return OfAdminKey;
        return keys.Find(key) ?? await OfTokenAsync(http, key) ?? throw Unknown();
    }

    private async ValueTask<Caller?> OfTokenAsync(HttpContext http, string key)
    {
        // A token has three parts; the issuer is not asked for its keys on account of anything else.
        if (jwt.Value.Authority is not { Length: > 0 } || key.AsSpan().Count('.') != 2)
            return null;
        AuthenticateResult result = await http.AuthenticateAsync(JwtBearerDefaults.AuthenticationScheme);
        return result.Succeeded ? TokenCaller.Of(result.Principal, jwt.Value) : null;
    }

    private static string? KeyOf(HttpRequest request)
    {
        string header = request.Headers.Authorization.ToString();
        if (header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return header[Scheme.Length..].Trim();
        return request.Headers.TryGetValue(KeyHeader, out var named) ? named.ToString() : null;
    }

    private RequestException Missing(Scopes scope)
    {
        bool canHave = adminKey is not null || guarded || keys.HasAny || admin.Value.Socket is { Length: > 0 };
        return new(ProblemKind.Unauthorized, canHave
            ? $"this call needs a key with the scope {scope.Word()}: send it as Authorization: Bearer KEY"
            : "loading and unloading need an administrator's key, from this machine too, and none is configured: start the service with Admin:Key, and send it as Authorization: Bearer KEY");
    }

    private static RequestException Unknown() =>
        new(ProblemKind.Unauthorized, "the key of the header Authorization (or X-Api-Key) is not known here, or the token has expired or is not for this service");

    private static byte[] Hashed(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
