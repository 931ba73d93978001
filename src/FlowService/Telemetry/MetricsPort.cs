using Microsoft.Extensions.Options;

namespace FlowService.Telemetry;

/// <summary>Where /metrics has a port of its own: there is nothing else at it, and no /metrics at the others.</summary>
internal sealed class MetricsPort(RequestDelegate next, IOptions<TelemetryOptions> options)
{
    public const string Path = "/metrics";

    public Task InvokeAsync(HttpContext http)
    {
        bool isOwnPort = http.Connection.LocalPort == options.Value.MetricsPort;
        if (isOwnPort != http.Request.Path.Equals(Path))
            http.Request.Path = "/none"; // as an address at which there is nothing
        return next(http);
    }
}
