using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.Tests.Support;
using FlowService.Tests.Telemetry.Otlp;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using static FlowService.OpenInference.Grpc.Protocol.ModelInferRequest.Types;

namespace FlowService.Tests.Telemetry;

/// <summary>What a collector is sent of a request, by HTTP and by gRPC; and the stages in the answer's own header.</summary>
public sealed class TraceTests : IAsyncLifetime
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c", Parent = "b7ad6b7169203331";

    private readonly TemporaryFolder repository = new();
    private readonly EngineHook hook = new();
    private Collector collector = null!;
    private ServiceHost host = null!;

    public async ValueTask InitializeAsync()
    {
        TestModels.Write(repository.Path, TestModels.Spec(TestModels.Plain, 2));
        collector = await Collector.StartAsync();
        host = await ServiceHost.StartAsync(repository.Path, hook.Engines, ("Batching:BatchRows", "64"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_BSP_SCHEDULE_DELAY", "50"), ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=tests"));
    }

    public async ValueTask DisposeAsync()
    {
        hook.Dispose();
        await host.DisposeAsync();
        await collector.DisposeAsync();
        repository.Dispose();
    }

    [Fact]
    public async Task A_requests_stages_lie_end_to_end_below_its_callers_trace()
    {
        using HttpClient http = host.Http();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/logprob") { Content = new StringContent("""{"x":[[0,1],[1,2]]}"""), Headers = { { "traceparent", $"00-{Trace}-{Parent}-01" } } };
        request.Content.Headers.ContentType = new("application/json");
        using HttpResponseMessage response = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);

        Span[] spans = await SpansAsync(Trace, 6);

        Span server = Assert.Single(spans, span => Hex(span.ParentSpanId) == Parent);
        Assert.Equal($"00-{Trace}-{Hex(server.SpanId)}-01", Assert.Single(response.Headers.GetValues("traceresponse")));
        Assert.Equal("two-moons 1 logprob 2", string.Join(' ', ((string[])["flow.model", "flow.version", "flow.operation", "flow.rows"]).Select(name => Attribute(server, name))));
        Span[] stages = [.. ((string[])["read", "queue", "compute", "write"]).Select(name => spans.Single(span => span.Name == name))];
        Assert.All(stages, stage => Assert.Equal(server.SpanId, stage.ParentSpanId));
        foreach (var (before, after) in stages.Zip(stages.Skip(1)))
            Assert.InRange((long)(after.StartTimeUnixNano - before.EndTimeUnixNano), -2000, 2000); // in ns: a time of the day has 100 ns
        double sum = stages.Sum(Microseconds), whole = Microseconds(server);
        Assert.InRange(sum, 0, whole);
        Span batch = spans.Single(span => span.Name == "batch");
        Assert.Equal(server.SpanId, Assert.Single(batch.Links).SpanId);
        Assert.Equal(batch.SpanId, Assert.Single(stages[2].Links).SpanId);
        Assert.Equal("2 1 forward", $"{Attribute(batch, "flow.batch.rows")} {Attribute(batch, "flow.batch.requests")} {Attribute(batch, "flow.batch.direction")}");
        Assert.InRange(Microseconds(batch), 0, Microseconds(stages[2]) + 1);
        Assert.Equal("flowservice tests", $"{collector.Resource["service.name"]} {collector.Resource["deployment.environment"]}");
        Assert.Matches(@"^\d+\.\d+\.\d+$", collector.Resource["service.version"]);
    }

    [Fact]
    public async Task A_batch_is_linked_to_each_of_its_requests()
    {
        using HttpClient http = host.Http();
        hook.Hold();
        Task first = http.AskAsync("/logprob", """{"x":[[0,1]]}""");
        await hook.Entered();
        Task[] together = [.. Enumerable.Range(0, 3).Select(_ => http.AskAsync("/logprob", """{"x":[[0,1]]}"""))];
        await Eventually.TrueAsync(() => host.QueuedRows == 3, "three requests wait");
        hook.Release();
        await Task.WhenAll([first, .. together]);

        await Eventually.TrueAsync(() => collector.Spans.Any(span => span.Name == "batch" && span.Links.Count == 3), "the batch has come");
        Span batch = collector.Spans.Single(span => span.Name == "batch" && span.Links.Count == 3);
        Assert.Equal(3, batch.Links.Select(link => link.TraceId).Distinct().Count());
        await Eventually.TrueAsync(() => collector.Spans.Count(span => span.Name == "compute" && span.Links.Any(link => link.SpanId == batch.SpanId)) == 3, "three requests are linked to it");
    }

    [Fact]
    public async Task A_call_by_gRPC_has_the_same_stages_below_its_callers_trace()
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(host.GrpcAddress);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        using AsyncUnaryCall<ModelInferResponse> call = client.ModelInferAsync(new()
        {
            ModelName = "two-moons.sample",
            Inputs = { new InferInputTensor { Name = "num_samples", Datatype = "INT64", Shape = { 1 }, Contents = new() { Int64Contents = { 3 } } } },
        }, new Metadata { { "traceparent", $"00-{Trace}-{Parent}-01" } });
        await call.ResponseAsync;

        Span[] spans = await SpansAsync(Trace, 6);

        Assert.Equal(["batch", "compute", "queue", "read", "write"], spans.Select(span => span.Name).Where(name => !name.Contains('/', StringComparison.Ordinal) && !name.StartsWith("POST", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(4, Timing((await call.ResponseHeadersAsync).GetValue("server-timing")!).Count);
    }

    [Fact]
    public async Task Every_answer_says_what_its_stages_took_and_one_that_is_refused_what_reading_it_took()
    {
        using HttpClient http = host.Http();
        using HttpResponseMessage answered = await http.SendAsync("/logprob", """{"x":[[0,1]]}"""), refused = await http.SendAsync("/logprob", "{");

        Dictionary<string, double> timing = Timing(Assert.Single(answered.Headers.GetValues("Server-Timing")));
        Assert.Equal(["read", "queue", "compute", "write"], timing.Keys);
        Assert.All(timing.Values, milliseconds => Assert.InRange(milliseconds, 0, 60_000));
        Assert.Equal(["read"], Timing(Assert.Single(refused.Headers.GetValues("Server-Timing"))).Keys);
    }

    [Fact]
    public async Task A_stream_says_it_once_more_behind_its_end()
    {
        using HttpClient http = new() { BaseAddress = host.GrpcAddress, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage response = await http.PostAsync("/logprob", new StringContent("x,y\n0,1\n1,2\n", new MediaTypeHeaderValue("text/csv")));
        Assert.Equal(3, (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);

        Assert.Equal(["read", "queue", "compute", "write"], Timing(Assert.Single(response.TrailingHeaders.GetValues("Server-Timing"))).Keys);
    }

    [Fact]
    public async Task Probes_and_scrapes_leave_no_trace()
    {
        using HttpClient http = host.Http();
        foreach (string path in (string[])["/health/ready", "/v2/health/live", "/metrics", "/models"])
            await http.GetStringAsync(path);

        await Eventually.TrueAsync(() => collector.Spans.Any(span => Attribute(span, "url.path") == "/models"), "the last of them has come");
        Assert.DoesNotContain(collector.Spans, span => Attribute(span, "url.path") is { } path && (path.Contains("health", StringComparison.Ordinal) || path == "/metrics"));
    }

    private async Task<Span[]> SpansAsync(string trace, int count)
    {
        Span[] spans = [];
        await Eventually.TrueAsync(() => (spans = [.. collector.Spans.Where(span => Hex(span.TraceId) == trace)]).Length == count, $"{count} spans have come");
        return spans;
    }

    private static Dictionary<string, double> Timing(string header) => header.Split(", ").Select(part => part.Split(";dur=")).ToDictionary(part => part[0], part => double.Parse(part[1], CultureInfo.InvariantCulture));

    private static string? Attribute(Span span, string name) => span.Attributes.FirstOrDefault(each => each.Key == name)?.Value is { } value
        ? value.ValueCase == AnyValue.ValueOneofCase.IntValue ? $"{value.IntValue}" : value.StringValue
        : null;

    private static double Microseconds(Span span) => (span.EndTimeUnixNano - span.StartTimeUnixNano) / 1000.0;

    private static string Hex(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);
}
