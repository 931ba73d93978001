using System.Net;
using System.Net.Sockets;
using FlowService.Tests.Support;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.Telemetry;

public sealed class MetricsTests : IAsyncLifetime
{
    private readonly TemporaryFolder repository = new();
    private readonly EngineHook hook = new();
    private ServiceHost host = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        TestModels.Write(repository.Path, TestModels.Spec(TestModels.Plain, 2));
        host = await ServiceHost.StartAsync(repository.Path, hook.Engines, ("Batching:BatchRows", "4"));
        http = host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        hook.Dispose();
        http.Dispose();
        await host.DisposeAsync();
        repository.Dispose();
    }

    [Fact]
    public async Task Requests_are_counted_by_operation_and_outcome_also_those_that_fail()
    {
        using MetricCollector<long> requests = host.Metric<long>("flowservice.requests"), rows = host.Metric<long>("flowservice.rows");
        using MetricCollector<double> seconds = host.Metric<double>("flowservice.request.duration");
        await http.AskAsync("/logprob", """{"x":[[0,1],[1,2],[3,4]]}""");
        await http.RefusedAsync("/sample", "{", HttpStatusCode.BadRequest);
        await http.RefusedAsync("/encode", """{"x":[[0,1,2]]}""", HttpStatusCode.UnprocessableEntity);
        await http.RefusedAsync("/decode", """{"z":[[666,1]]}""", HttpStatusCode.InternalServerError);
        await http.RefusedAsync("/logprob", """{"model":"someone-elses-words","x":[[0,1]]}""", HttpStatusCode.NotFound);
        await http.AskAsync("/layers", """{"z":[[0,1],[1,2]]}""");
        await Eventually.TrueAsync(() => requests.GetMeasurementSnapshot().Count == 6, "six requests are counted");

        Assert.Equal(
            ["two-moons/1/logprob/2xx", "//sample/4xx", "two-moons/1/encode/4xx", "two-moons/1/decode/5xx", "//logprob/4xx", "two-moons/1/layers/2xx"],
            requests.GetMeasurementSnapshot().Select(each => Labels(each.Tags, "outcome")));
        Assert.Equal([("two-moons/1/logprob", 3), ("two-moons/1/layers", 2)], rows.GetMeasurementSnapshot().Select(each => (Labels(each.Tags), each.Value)));
        Assert.Equal(6, seconds.GetMeasurementSnapshot().Count);
        Assert.All(seconds.GetMeasurementSnapshot(), each => Assert.InRange(each.Value, 0, 60));
    }

    [Fact]
    public async Task Batches_tell_their_rows_and_how_long_they_took()
    {
        using MetricCollector<long> batches = host.Metric<long>("flowservice.batches");
        using MetricCollector<int> batchRows = host.Metric<int>("flowservice.batch.rows");
        using MetricCollector<double> compute = host.Metric<double>("flowservice.compute.duration"), queue = host.Metric<double>("flowservice.queue.duration");
        await http.AskAsync("/sample", """{"count":10}""");
        await http.AskAsync("/encode", """{"x":[[0,1]]}""");

        Assert.Equal([4, 4, 2, 1], batchRows.GetMeasurementSnapshot().Select(each => each.Value));
        Assert.Equal(
            [.. Enumerable.Repeat("two-moons/1/inverse", 3), "two-moons/1/forward"], batches.GetMeasurementSnapshot().Select(each => Labels(each.Tags)));
        Assert.Equal(4, compute.GetMeasurementSnapshot().Count);
        Assert.Equal(["two-moons/1/sample", "two-moons/1/encode"], queue.GetMeasurementSnapshot().Select(each => Labels(each.Tags)));
    }

    [Fact]
    public async Task Refusals_are_counted_by_reason_and_clients_who_left_too()
    {
        using MetricCollector<long> rejections = host.Metric<long>("flowservice.rejections");
        await http.RefusedAsync("/encode", """{"x":[[0,1,2]]}""", HttpStatusCode.UnprocessableEntity);
        hook.Hold();
        Task computing = http.AskAsync("/logprob", """{"x":[[0,1]]}""");
        await hook.Entered();
        await http.RefusedAsync("/sample", """{"count":1,"timeout_ms":20}""", HttpStatusCode.GatewayTimeout);
        using var leave = new CancellationTokenSource();
        Task gone = http.SendAsync("/sample", """{"count":2}""", leave.Token);
        await Eventually.TrueAsync(() => host.QueuedRows == 2, "the request waits");
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        await Eventually.TrueAsync(() => host.QueuedRows == 0, "the service has noticed");
        hook.Release();
        await computing;
        await Eventually.TrueAsync(() => rejections.GetMeasurementSnapshot().Count == 3, "three refusals are counted");

        Assert.Equal(
            ["two-moons/1/encode/wrong_width", "two-moons/1/sample/deadline_passed", "two-moons/1/sample/client_gone"],
            rejections.GetMeasurementSnapshot().Select(each => Labels(each.Tags, "reason")));
    }

    [Fact]
    public async Task Clients_that_reset_their_connection_in_the_middle_of_a_body_are_no_faults_of_the_service()
    {
        using MetricCollector<long> requests = host.Metric<long>("flowservice.requests");
        for (int i = 0; i < 20; i++)
            using (var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { LingerState = new(enable: true, seconds: 0) }) // it closes with a reset
            {
                await client.ConnectAsync(host.Address.Host, host.Address.Port);
                await client.SendAsync("POST /sample HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"u8.ToArray());
                byte[] answer = new byte["HTTP/1.1 100".Length];
                await client.ReceiveAsync(answer);
                Assert.Equal("HTTP/1.1 100"u8, answer); // its body is waited for
                await client.SendAsync("{"u8.ToArray());
            }
        await Eventually.TrueAsync(() => requests.GetMeasurementSnapshot().Count == 20, "all are counted");

        Assert.All(requests.GetMeasurementSnapshot(), each => Assert.Equal("aborted", each.Tags["outcome"]));
    }

    [Fact]
    public async Task The_queues_depth_is_a_gauge_of_rows()
    {
        using MetricCollector<long> depth = host.Metric<long>("flowservice.queue.depth");
        hook.Hold();
        Task computing = http.AskAsync("/logprob", """{"x":[[0,1]]}""");
        await hook.Entered();
        Task waiting = http.AskAsync("/sample", """{"count":7}""");
        await Eventually.TrueAsync(() => host.QueuedRows == 7, "seven rows wait");

        depth.RecordObservableInstruments();
        hook.Release();
        await Task.WhenAll(computing, waiting);
        depth.RecordObservableInstruments();

        Assert.Equal([7, 0], depth.GetMeasurementSnapshot().Select(each => each.Value));
        Assert.All(depth.GetMeasurementSnapshot(), each => Assert.Equal("two-moons", each.Tags["model"]));
    }

    [Fact]
    public async Task The_memory_of_a_GPU_is_told_once_for_all_engines_that_are_on_it()
    {
        TestModels.Write(repository.Path, TestModels.Spec("other", 2));
        (await http.PostAsync("/models/other/load", null)).EnsureSuccessStatusCode();
        using MetricCollector<long> allocated = host.Metric<long>("flowservice.device.memory.allocated"), free = host.Metric<long>("flowservice.device.memory.free"),
            total = host.Metric<long>("flowservice.device.memory.total");
        MetricCollector<long>[] all = [allocated, free, total];
        Array.ForEach(all, each => each.RecordObservableInstruments());
        Assert.All(all, each => Assert.Empty(each.GetMeasurementSnapshot())); // a CPU has none of its own

        hook.Memory = new("cuda:0", "stand-in", AllocatedBytes: 3, FreeBytes: 60, TotalBytes: 70);
        Array.ForEach(all, each => each.RecordObservableInstruments());

        Assert.Equal([6, 60, 70], all.Select(each => Assert.Single(each.GetMeasurementSnapshot()).Value)); // two models on one device
        Assert.Equal("cuda:0 stand-in", $"{total.LastMeasurement!.Tags["device"]} {total.LastMeasurement.Tags["name"]}");
    }

    [Fact]
    public async Task A_request_tells_how_long_it_was_read_and_written()
    {
        using MetricCollector<double> read = host.Metric<double>("flowservice.read.duration"), write = host.Metric<double>("flowservice.write.duration"), whole = host.Metric<double>("flowservice.request.duration");
        await http.AskAsync("/logprob", """{"x":[[0,1]]}""");
        await http.RefusedAsync("/logprob", "{", HttpStatusCode.BadRequest);
        await Eventually.TrueAsync(() => whole.GetMeasurementSnapshot().Count == 2, "both requests are measured");

        // What was refused was not computed, and has no stages.
        Assert.Equal("two-moons/1/logprob", Labels(Assert.Single(read.GetMeasurementSnapshot()).Tags));
        Assert.InRange(read.LastMeasurement!.Value + Assert.Single(write.GetMeasurementSnapshot()).Value, 0, whole.GetMeasurementSnapshot()[0].Value);
    }

    [Fact]
    public async Task The_build_and_the_limits_of_the_queue_are_gauges()
    {
        using MetricCollector<int> build = host.Metric<int>("flowservice.build.info"), rows = host.Metric<int>("flowservice.batch.limit"), queue = host.Metric<int>("flowservice.queue.limit");
        foreach (MetricCollector<int> each in (MetricCollector<int>[])[build, rows, queue])
            each.RecordObservableInstruments();

        Assert.Matches(@"^\d+\.\d+\.\d+$", (string)Assert.Single(build.GetMeasurementSnapshot()).Tags["version"]!);
        Assert.Equal((1, 4, 1 << 18), (build.LastMeasurement!.Value, rows.LastMeasurement!.Value, queue.LastMeasurement!.Value));
    }

    [Fact]
    public async Task Loads_and_failures_and_what_nobody_waits_for_are_counted()
    {
        using MetricCollector<long> loads = host.Metric<long>("flowservice.model.loads"), failures = host.Metric<long>("flowservice.batch.failures"), saved = host.Metric<long>("flowservice.rows.saved");
        using MetricCollector<double> loading = host.Metric<double>("flowservice.model.load.duration");
        await http.AskAsync("/models/two-moons/load", "");
        await http.RefusedAsync("/decode", """{"z":[[666,1]]}""", HttpStatusCode.InternalServerError);
        hook.Hold();
        Task computing = http.AskAsync("/logprob", """{"x":[[0,1]]}""");
        await hook.Entered();
        await http.RefusedAsync("/sample", """{"count":5,"timeout_ms":20}""", HttpStatusCode.GatewayTimeout);
        hook.Release();
        await computing;

        Assert.Equal("two-moons 1 ready", string.Join(' ', Assert.Single(loads.GetMeasurementSnapshot()).Tags.Values));
        Assert.InRange(Assert.Single(loading.GetMeasurementSnapshot()).Value, 0, 60);
        Assert.Equal("two-moons/1/inverse/fault", Labels(Assert.Single(failures.GetMeasurementSnapshot()).Tags, "reason"));
        Assert.Equal((5, "two-moons/1/sample/deadline_passed"), (saved.LastMeasurement!.Value, Labels(saved.LastMeasurement.Tags, "reason")));
    }

    [Fact]
    public async Task Every_refusal_is_counted_by_its_route_and_status_whatever_it_asked_for()
    {
        using MetricCollector<double> answers = host.Metric<double>("Microsoft.AspNetCore.Hosting", "http.server.request.duration");
        using HttpClient nobody = host.Anonymous();
        await nobody.PostAsync("/models/two-moons/load", null);
        await nobody.GetAsync("/models/someone-elses-words");
        await nobody.GetAsync("/nowhere/at-all");
        // The last question for readiness may be measured after it is answered: late, and well.
        string[] refused = [];
        await Eventually.TrueAsync(() => (refused = Refused(answers)).Length == 3, "three refusals are measured");

        Assert.Equal(["401 /models/{name}/load", "404 /models/{name}", "404 "], refused);

        static string[] Refused(MetricCollector<double> answers) =>
            [.. answers.GetMeasurementSnapshot().Select(each => $"{each.Tags["http.response.status_code"]} {each.Tags.GetValueOrDefault("http.route")}").Where(each => each[0] == '4')];
    }

    [Fact]
    public async Task Triton_s_names_are_there_where_they_are_asked_for_and_metrics_have_a_port_of_their_own()
    {
        int port = ServiceProcess.FreePort(), metrics = ServiceProcess.FreePort();
        await using ServiceProcess service = await ServiceProcess.StartAsync(repository.Path, port, "--Telemetry:TritonNames=true", $"--Telemetry:MetricsPort={metrics}");
        using HttpClient api = service.Http(), scraper = new() { BaseAddress = new Uri($"http://127.0.0.1:{metrics}") };
        await api.AskAsync("/sample", """{"count":3}""");

        string text = await scraper.GetStringAsync("/metrics");

        Assert.Matches("""(?m)^nv_inference_request_success\{[^}]*model="two-moons",version="1"[^}]*\} 1$""", text);
        Assert.Matches("""(?m)^nv_inference_count\{[^}]*\} 3$""", text);
        Assert.Contains("nv_inference_queue_duration_us{", text, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), ((await api.GetAsync("/metrics")).StatusCode, (await scraper.GetAsync("/models")).StatusCode));
        Assert.DoesNotContain("nv_inference", await http.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prometheus_finds_every_instrument()
    {
        await http.AskAsync("/sample", """{"count":3}""");
        await http.RefusedAsync("/sample", "{", HttpStatusCode.BadRequest);

        string text = "";
        await Eventually.TrueAsync(async () => (text = await http.GetStringAsync("/metrics")).Contains("flowservice_rejections_total{", StringComparison.Ordinal), "the counters are exported");

        foreach (string line in (string[])
        [
            "flowservice_requests_total{", "flowservice_rows_total{", "flowservice_batches_total{", "flowservice_batch_rows_bucket{",
            "flowservice_queue_duration_seconds_bucket{", "flowservice_compute_duration_seconds_bucket{",
            "flowservice_request_duration_seconds_bucket{", "flowservice_queue_depth{", "flowservice_batch_limit{", "flowservice_model_loads_total{",
            "flowservice_model_load_duration_seconds_bucket{", "flowservice_tensors_live", "reason=\"invalid_json\"",
        ])
            Assert.Contains(line, text, StringComparison.Ordinal);
    }

    private static string Labels(IReadOnlyDictionary<string, object?> tags, string? extra = null)
    {
        Assert.Equal(extra is null ? 3 : 4, tags.Count);
        string labels = $"{tags["model"]}/{tags["version"]}/{tags["operation"]}";
        return extra is null ? labels : $"{labels}/{tags[extra]}";
    }
}
