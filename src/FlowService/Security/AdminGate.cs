using System.Net;
using System.Security.Cryptography;
using System.Text;
using FlowService.Errors;
using Microsoft.Extensions.Options;

namespace FlowService.Security;

/// <summary>Who may load and unload models: those with the key, or where none is configured those on this machine.</summary>
internal sealed class AdminGate(IOptions<AdminOptions> options)
{
    private const string Scheme = "Bearer ";

    /// <exception cref="RequestException">401 without the key, 403 from another machine.</exception>
    public void Check(HttpContext http)
    {
        if (string.IsNullOrEmpty(options.Value.Key))
        {
            if (!IsLocal(http))
                throw new RequestException(ProblemKind.Forbidden, "this call is taken from the service's own machine only; configure Admin:Key, and send it as Authorization: Bearer KEY");
        }
        else if (!HasKey(http.Request.Headers.Authorization.ToString(), options.Value.Key))
        {
            http.Response.Headers.WWWAuthenticate = "Bearer";
            throw new RequestException(ProblemKind.Unauthorized, "this call needs the administrator's key (Admin:Key): send it as Authorization: Bearer KEY");
        }
    }

    /// <summary>A proxy on this machine speaks for others, and says so.</summary>
    private static bool IsLocal(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && !http.Request.Headers.ContainsKey("X-Forwarded-For") && !http.Request.Headers.ContainsKey("Forwarded") && !http.Request.Headers.ContainsKey("Via");

    // Both sides are hashed: the comparison takes the same time whatever was sent, its length included.
    private static bool HasKey(string header, string key) =>
        header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(header[Scheme.Length..].Trim())), SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
