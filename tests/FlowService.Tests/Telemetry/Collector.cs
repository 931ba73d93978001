using System.Collections.Concurrent;
using System.Net;
using FlowService.Tests.Support;
using FlowService.Tests.Telemetry.Otlp;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowService.Tests.Telemetry;

/// <summary>A collector: it takes traces by OTLP over gRPC, and keeps them. What else is sent it does not know.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly Receiver receiver = new();

    private Collector(int port)
    {
        Address = $"http://127.0.0.1:{port}";
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(receiver);
        app = builder.Build();
        app.MapGrpcService<Receiver>();
    }

    public string Address { get; }

    /// <summary>The spans that have come.</summary>
    public IReadOnlyCollection<Span> Spans => [.. receiver.Spans.Values];

    /// <summary>What the service said of itself.</summary>
    public IReadOnlyDictionary<string, string> Resource => receiver.Resource;

    public static async Task<Collector> StartAsync()
    {
        var collector = new Collector(ServiceProcess.FreePort());
        await collector.app.StartAsync();
        return collector;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private sealed class Receiver : TraceService.TraceServiceBase
    {
        /// <summary>By their ids: what a slow collector did not confirm in time is sent again.</summary>
        public ConcurrentDictionary<ByteString, Span> Spans { get; } = new();

        public ConcurrentDictionary<string, string> Resource { get; } = new();

        public override Task<ExportTraceServiceResponse> Export(ExportTraceServiceRequest request, ServerCallContext context)
        {
            foreach (ResourceSpans part in request.ResourceSpans)
            {
                foreach (KeyValue attribute in part.Resource.Attributes)
                    Resource[attribute.Key] = attribute.Value.StringValue;
                foreach (Span span in part.ScopeSpans.SelectMany(scope => scope.Spans))
                    Spans[span.SpanId] = span;
            }
            return Task.FromResult(new ExportTraceServiceResponse());
        }
    }
}
