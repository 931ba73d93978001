using FlowService.Security;
using OpenTelemetry.Metrics;

namespace FlowService.Telemetry;

internal static class TelemetrySetup
{
    public static IServiceCollection AddTelemetry(this IServiceCollection services)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<FlowMetrics>();
        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(FlowMetrics.MeterName)
            .AddAspNetCoreInstrumentation()
            .AddRuntimeInstrumentation()
            .AddPrometheusExporter());
        return services;
    }

    public static WebApplication UseTelemetry(this WebApplication app)
    {
        app.UseMiddleware<RequestMetering>();
        return app;
    }

    public static void MapTelemetry(this WebApplication app) =>
        app.MapPrometheusScrapingEndpoint("/metrics").WithMetadata(new HttpMethodMetadata([HttpMethods.Get])).For(Scopes.Metrics);
}
