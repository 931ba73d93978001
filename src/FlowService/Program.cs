using FlowService.Batching;
using FlowService.Caching;
using FlowService.Compressing;
using FlowService.Drift;
using FlowService.Endpoints;
using FlowService.Errors;
using FlowService.Explorer;
using FlowService.Limits;
using FlowService.Models;
using FlowService.OpenApi;
using FlowService.OpenInference;
using FlowService.Proxies;
using FlowService.Requests;
using FlowService.Scoring;
using FlowService.Security;
using FlowService.Shadow;
using FlowService.Shutdown;
using FlowService.Sources;
using FlowService.Startup;
using FlowService.Telemetry;

return Service.Run(
    args,
    builder => builder.Services
        .AddErrors()
        .AddLimits()
        .AddProxies()
        .AddDecompression()
        .AddCompression()
        .AddTelemetry(builder.Configuration)
        .AddBatching()
        .AddCaching()
        .AddModels()
        .AddSources()
        .AddDrift()
        .AddShadow()
        .AddScoring()
        .AddEndpoints()
        .AddOpenInference()
        .AddSecurity(builder.Configuration)
        .AddShutdown()
        .AddSwagger()
        .AddExplorer()
        .AddStartReport(),
    app =>
    {
        app.UseProxies();
        app.UseMetricsPort();
        app.UseMethods();
        app.UseTelemetry();
        app.UseDrift();
        app.UseShadow();
        app.UseErrors();
        app.UseSecurity();
        app.UseDecompression();
        app.UseCompression();
        app.UseBusyRefusals();
        app.MapEndpoints();
        app.MapOpenInference();
        app.MapTelemetry();
        app.MapSwaggerUi();
        app.MapExplorer();
    });
