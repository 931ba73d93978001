using FlowService.OpenInference.Metadata;
using FlowService.Security;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FlowService.Telemetry;

internal static class TelemetrySetup
{
    private const string ServiceName = "flowservice", Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static readonly PathString[] Untraced = ["/health", "/v2/health", MetricsPort.Path, "/grpc.health.v1.Health"];

    public static IServiceCollection AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<FlowMetrics>().AddSingleton<TritonMetrics>();
        services.AddOptionsWithValidateOnStart<TelemetryOptions, TelemetryOptionsValidator>().BindConfiguration(TelemetryOptions.Section);
        OpenTelemetryBuilder telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(ServiceName, serviceVersion: ServerMetadata.Own.Version).AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics
                .AddMeter(FlowMetrics.MeterName)
                .AddAspNetCoreInstrumentation()
                .AddRuntimeInstrumentation()
                .AddPrometheusExporter());
        if (configuration[Endpoint] is { Length: > 0 })
            telemetry
                .WithTracing(traces => traces
                    .AddSource(FlowTracing.SourceName)
                    .AddAspNetCoreInstrumentation(asp => asp.Filter = http => !Array.Exists(Untraced, path => http.Request.Path.StartsWithSegments(path))))
                .WithLogging()
                .UseOtlpExporter();
        return services;
    }

    public static WebApplication UseTelemetry(this WebApplication app)
    {
        TelemetryOptions options = app.Services.GetRequiredService<IOptions<TelemetryOptions>>().Value;
        if (options.TritonNames)
            app.Services.GetRequiredService<TritonMetrics>();
        app.UseMiddleware<RequestMetering>();
        return app;
    }

    public static void MapTelemetry(this WebApplication app) =>
        app.MapPrometheusScrapingEndpoint(MetricsPort.Path).WithMetadata(new HttpMethodMetadata([HttpMethods.Get])).For(Scopes.Metrics);

    /// <summary>Stands before the endpoint is found.</summary>
    public static void UseMetricsPort(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<TelemetryOptions>>().Value.MetricsPort > 0)
            app.UseMiddleware<MetricsPort>();
    }
}
