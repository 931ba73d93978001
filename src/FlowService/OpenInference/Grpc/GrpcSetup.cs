using FlowService.Limits;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace FlowService.OpenInference.Grpc;

internal static class GrpcSetup
{
    public static IServiceCollection AddGrpcProtocol(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<GrpcOptions, GrpcOptionsValidator>().BindConfiguration(GrpcOptions.Section);
        services.AddGrpc(grpc =>
        {
            grpc.Interceptors.Add<StatusInterceptor>();
            grpc.MaxSendMessageSize = null;
            grpc.IgnoreUnknownServices = true; // else its catch-all route would turn other endpoints' 405 into 404
        });
        // The library logs what it cannot read as its own failure, with a stack: whoever sends such messages would fill the log. What fails behind
        // the interceptors they log, and what cannot be read is logged as refused.
        services.AddLogging(logging => logging.AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", LogLevel.Critical));
        services.AddOptions<GrpcServiceOptions>().Configure<IOptions<LimitsOptions>>(
            (grpc, limits) => grpc.MaxReceiveMessageSize = (int)Math.Min(limits.Value.BodyBytes, int.MaxValue));
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<GrpcOptions>>((kestrel, grpc) => kestrel.ConfigureEndpointDefaults(listen =>
        {
            // Without TLS nothing tells HTTP/2 from HTTP/1.1: a port speaks one of them.
            if (grpc.Value.Port > 0 && listen.IPEndPoint?.Port == grpc.Value.Port)
                listen.Protocols = HttpProtocols.Http2;
        }));
        return services;
    }

    public static void MapGrpcProtocol(this WebApplication app)
    {
        app.MapGrpcService<InferenceService>().NeedScopes().RefuseMalformed();
        app.MapGrpcService<HealthService>().RefuseMalformed();
    }
}
