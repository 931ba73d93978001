using FlowService.Models;
using FlowService.OpenApi;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlowService.Endpoints;

/// <summary>live or ready.</summary>
internal sealed record Health(string Status);

internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/health").WithTags("Health");
        group.MapGet("/live", Live)
            .WithName("live")
            .WithSummary("Is the process alive?")
            .WithDescription("200 from the start, even while models are being loaded. Restart the process if it does not answer.");
        group.MapGet("/ready", Ready)
            .WithName("ready")
            .WithSummary("Does the service take requests?")
            .WithDescription("200 once every model is loaded, or reported as failed; 503 before that, while the service shuts down, "
                + "where the repository is missing or holds no model (unless Models:AllowEmpty is true), and where a device fails to "
                + "compute a single row.")
            .WithErrors(503);
    }

    private static Ok<Health> Live() => TypedResults.Ok(new Health("live"));

    private static async Task<Ok<Health>> Ready(HttpContext http, ServiceGate gate, DeviceProbe devices)
    {
        gate.CheckReady();
        await devices.CheckAsync(http.RequestAborted);
        return TypedResults.Ok(new Health("ready"));
    }
}
