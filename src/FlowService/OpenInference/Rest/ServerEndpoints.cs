using FlowService.Models;
using FlowService.OpenInference.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlowService.OpenInference.Rest;

/// <summary>The process answers.</summary>
internal sealed record ServerLive(bool Live);

/// <summary>The service takes requests. Clients read one of the two: the protocol's own text names the wrong one.</summary>
internal sealed record ServerReady(bool Ready, bool Live);

internal static class ServerEndpoints
{
    public static void MapServer(this RouteGroupBuilder group)
    {
        group.MapGet("", Metadata)
            .Describe<ServerMetadata>("serverMetadata", "What the server is", "Its name, its version, and the extensions of the protocol that it serves.");
        group.MapGet("/health/live", Live)
            .Describe<ServerLive>("serverLive", "Is the process alive?", "200 from the first moment on, also while models are being loaded.");
        group.MapGet("/health/ready", Ready)
            .Describe<ServerReady>("serverReady", "Does the service take requests?", "As /health/ready says, in this protocol's form.", 503);
    }

    private static JsonHttpResult<ServerMetadata> Metadata() => JsonBody.Of(ServerMetadata.Own);

    private static JsonHttpResult<ServerLive> Live() => JsonBody.Of(new ServerLive(true));

    private static async Task<JsonHttpResult<ServerReady>> Ready(HttpContext http, ServiceGate gate, DeviceProbe devices)
    {
        gate.CheckReady();
        await devices.CheckAsync(http.RequestAborted);
        return JsonBody.Of(new ServerReady(true, true));
    }
}
