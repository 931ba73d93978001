using System.Text.Json;
using System.Text.Json.Serialization;
using FlowService.Models;
using FlowService.Requests;
using FlowService.Security;

namespace FlowService.Endpoints;

internal static class EndpointsSetup
{
    public static IServiceCollection AddEndpoints(this IServiceCollection services)
    {
        services.AddSingleton<RequestReader>().AddSingleton<OperationServices>();
        return services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            options.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        });
    }

    public static void MapEndpoints(this WebApplication app)
    {
        app.MapHealth();
        RouteGroupBuilder gated = app.MapGroup("").For(Scopes.Infer).AddEndpointFilter<RouteGroupBuilder, ServiceGateFilter>();
        gated.MapLikelihood();
        gated.MapSample();
        gated.MapLatents();
        gated.MapInterpolate();
        gated.MapLayers();
        gated.MapModels();
        gated.MapCalibration();
        gated.MapDrift();
        gated.MapShadow();
    }
}
