using FlowService.Models;
using FlowService.OpenInference.Faces;
using FlowService.OpenInference.Grpc;
using FlowService.OpenInference.Rest;
using FlowService.OpenInference.Tensors;
using FlowService.Security;

namespace FlowService.OpenInference;

internal static class OpenInferenceSetup
{
    public static IServiceCollection AddOpenInference(this IServiceCollection services)
    {
        services.AddSingleton<ModelFaces>();
        services.AddSingleton<TensorInference>();
        services.AddSingleton<InferRequestReader>();
        services.AddSingleton<SmallBody>();
        services.AddSingleton<InferCalls>();
        return services.AddGrpcProtocol();
    }

    public static void MapOpenInference(this WebApplication app)
    {
        RouteGroupBuilder group = app.MapGroup("/v2");
        group.MapServer();
        RouteGroupBuilder gated = group.MapGroup("").For(Scopes.Infer).AddEndpointFilter<RouteGroupBuilder, ServiceGateFilter>();
        gated.MapFaces();
        gated.MapInfer();
        gated.MapStatistics();
        gated.MapRepository();
        app.MapGrpcProtocol();
    }
}
