using FlowCore;
using FlowService.Limits;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
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
        app.MapGrpcService<InferenceService>().RefuseMalformed();
        app.MapGrpcService<HealthService>().RefuseMalformed();
    }

    /// <summary>Adds the port to the addresses that the service listens at.</summary>
    /// <exception cref="FlowException">The service listens at the port already, for HTTP.</exception>
    public static void ListenForGrpc(this WebApplication app)
    {
        int port = app.Services.GetRequiredService<IOptions<GrpcOptions>>().Value.Port;
        if (port == 0 || app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>() is not { Addresses: { Count: 0 } addresses })
            return;
        // One address that is added by code would stand for all that are configured: so they are added too.
        string[] urls = app.Configuration[WebHostDefaults.ServerUrlsKey]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        foreach (string url in urls)
        {
            if (BindingAddress.Parse(url).Port == port)
                throw new FlowException($"Grpc:Port is {port}, where the service listens for HTTP by Urls ({url}); choose another Grpc:Port, or 0 for no gRPC");
            addresses.Add(url);
        }
        if (urls.Length > 0 && BindingAddress.Parse(urls[0]) is { IsUnixPipe: false } first)
            addresses.Add($"{first.Scheme}://{first.Host}:{port}");
    }
}
