using FlowRows;
using FlowService.Errors;
using FlowService.Startup;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace FlowService.Security;

/// <summary>
/// Keeps out what a web page elsewhere makes a browser send: calls under a host name that is not the service's (DNS rebinding), and calls that are
/// no mere reading from a page of another origin.
/// </summary>
internal sealed class OriginCheck(RequestDelegate next, IConfiguration configuration, IOptions<SecurityOptions> options, AccessRules rules)
{
    private const string Setting = "AllowedHosts";

    private readonly StringSegment[] hosts = Hosts(configuration);
    private readonly string[] origins = options.Value.OriginList();

    public Task InvokeAsync(HttpContext http)
    {
        HttpRequest request = http.Request;
        if (hosts.Length > 0 && request.Host.HasValue && !HostString.MatchesAny(request.Host.Host, hosts) && !rules.IsBySocket(http))
            throw new RequestException(ProblemKind.UnknownHost,
                $"the service is not known as '{request.Host.Host.Shown()}'; name the hosts under which clients may call it with {Setting}, like --{Setting} \"flows.example;localhost\"");
        if (request.Headers.Origin is [{ Length: > 0 } origin, ..] && !IsReading(request.Method) && !IsOwn(origin, request.Host) && !origins.Contains(origin, StringComparer.OrdinalIgnoreCase))
            throw new RequestException(ProblemKind.ForeignOrigin, $"pages of {origin.Shown()} may not call this service; Security:Origins names those that may");
        return next(http);
    }

    private static bool IsReading(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    // A proxy may speak another scheme with the browser than with the service: the host and its port tell.
    private static bool IsOwn(string origin, HostString host) => Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) && host.HasValue
        && (uri.Authority.Equals(host.Value, StringComparison.OrdinalIgnoreCase) || $"{uri.Host}:{uri.Port}".Equals(host.Value, StringComparison.OrdinalIgnoreCase));

    /// <summary>The names that are taken; none for all. A service that only this machine reaches has no other names than this machine's.</summary>
    private static StringSegment[] Hosts(IConfiguration configuration)
    {
        string? set = configuration[Setting];
        if (string.IsNullOrEmpty(set))
            return ListenAddresses.Configured(configuration).All(ListenAddresses.IsLocal) ? ["localhost", "*.localhost", "127.0.0.1", "[::1]"] : [];
        string[] names = set.Split([';', ','], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return Array.IndexOf(names, "*") >= 0 ? [] : Array.ConvertAll(names, name => new StringSegment(name));
    }
}
