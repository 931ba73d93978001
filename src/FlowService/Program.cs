using FlowService.Batching;
using FlowService.Caching;
using FlowService.Endpoints;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Models;
using FlowService.OpenApi;
using FlowService.OpenInference;
using FlowService.Proxies;
using FlowService.Requests;
using FlowService.Security;
using FlowService.Shutdown;
using FlowService.Startup;
using FlowService.Telemetry;

// appsettings.json lies beside the program, whatever folder it is started from.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.Services
    .AddErrors()
    .AddLimits()
    .AddProxies()
    .AddDecompression()
    .AddTelemetry()
    .AddBatching()
    .AddCaching()
    .AddModels()
    .AddEndpoints()
    .AddOpenInference()
    .AddSecurity()
    .AddShutdown()
    .AddSwagger();

var app = builder.Build();
app.UseProxies();
app.UseMethods();
app.UseTelemetry();
app.UseErrors();
app.UseDecompression();
app.MapEndpoints();
app.MapOpenInference();
app.MapTelemetry();
app.MapSwaggerUi();
return app.RunChecked();
