using System.Net;
using System.Text.Json;
using FlowCore.Bijections;
using FlowService.Tests.Support;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.OpenInference;

/// <summary>What depends on the service's state: queues, deadlines, statistics, metrics, loading and unloading.</summary>
public sealed class V2ServiceTests : IAsyncLifetime
{
    private const string Infer = "/v2/models/two-moons/infer", Sample = "/v2/models/two-moons.sample/infer";
    private const string OneRow = """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[0,1]}]}""";

    private readonly TemporaryFolder repository = new();
    private readonly EngineHook hook = new();
    private ServiceHost host = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        TestModels.Write(repository.Path, TestModels.Spec(TestModels.Plain, 2));
        TestModels.Write(repository.Path, TestModels.Identity("image", 4) with { EventShape = [1, 2, 2], Bijections = [new SqueezeSpec()] });
        TestModels.Write(repository.Path, TestModels.Spec("odd.sample", 3));
        TestModels.Write(repository.Path, TestModels.Spec("odd", 2));
        host = await ServiceHost.StartAsync(repository.Path, hook.Engines,
            ("Batching:QueueRows", "10"), ("Batching:BatchRows", "4"), ("Limits:RowsPerRequest", "10"), ("Limits:SamplesPerRequest", "10"), ("Admin:Key", "s3cret"));
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
    public async Task A_full_queue_is_429_and_a_deadline_504_and_neither_costs_compute()
    {
        hook.Hold();
        Task<HttpResponseMessage> computing = http.PostRawAsync(Infer, OneRow);
        await hook.Entered();
        Task<HttpResponseMessage> waiting = http.PostRawAsync(Sample, Count(10));
        await Eventually.TrueAsync(() => host.QueuedRows == 10, "ten rows wait");

        using HttpResponseMessage full = await http.PostRawAsync(Infer, OneRow);
        Assert.Contains("Batching:QueueRows", await Task.FromResult(full).ErrorAsync(HttpStatusCode.TooManyRequests), StringComparison.Ordinal);
        Assert.InRange(full.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 2);
        hook.Release();
        await computing.TensorsAsync();
        await waiting.TensorsAsync();

        hook.Hold();
        computing = http.PostRawAsync(Infer, OneRow);
        await hook.Entered();
        await http.PostRawAsync(Sample, Count(3, ""","parameters":{"timeout":20000}""")).ErrorAsync(HttpStatusCode.GatewayTimeout);
        hook.Release();
        await computing.TensorsAsync();
        Assert.Equal(["forward 1"], hook.Batches);
    }

    [Fact]
    public async Task A_timeout_beyond_the_longest_is_400_and_a_fault_500_without_its_words()
    {
        Assert.Contains("microseconds", await http.PostRawAsync(Sample, Count(1, ""","parameters":{"timeout":999999999999}""")).ErrorAsync(), StringComparison.Ordinal);
        string fault = await http.PostRawAsync(Infer, OneRow.Replace("[0,1]", "[666,1]", StringComparison.Ordinal)).ErrorAsync(HttpStatusCode.InternalServerError);
        Assert.DoesNotContain("secret", fault, StringComparison.Ordinal);
        await http.PostRawAsync(Infer, OneRow).TensorsAsync();
    }

    [Fact]
    public async Task Statistics_count_rows_batches_and_failures_of_each_face()
    {
        await http.PostRawAsync(Infer, """{"inputs":[{"name":"x","datatype":"FP32","shape":[9,2],"data":[0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1]}]}""").TensorsAsync();
        await http.AskAsync("/encode", """{"model":"two-moons","x":[[0,1]]}""");
        await http.PostRawAsync(Sample, Count(3)).TensorsAsync();
        await http.PostRawAsync(Infer, OneRow.Replace("[0,1]", "[666,1]", StringComparison.Ordinal)).ErrorAsync(HttpStatusCode.InternalServerError);

        JsonElement scores = (await http.GetAsync("/v2/models/two-moons/stats").OkAsync()).GetProperty("model_stats")[0];
        JsonElement samples = (await http.GetAsync("/v2/models/two-moons.sample/versions/1/stats").OkAsync()).GetProperty("model_stats")[0];
        JsonElement all = (await http.GetAsync("/v2/models/stats").OkAsync()).GetProperty("model_stats");

        Assert.Equal((10, 5), (scores.GetProperty("inference_count").GetInt32(), scores.GetProperty("execution_count").GetInt32()));
        Assert.Equal(["1x3", "4x2"], scores.GetProperty("batch_stats").EnumerateArray()
            .Select(batch => $"{batch.GetProperty("batch_size")}x{batch.GetProperty("compute_infer").GetProperty("count")}"));
        Assert.True(scores.GetProperty("last_inference").GetInt64() > 1_500_000_000_000);
        JsonElement stats = scores.GetProperty("inference_stats");
        Assert.Equal(["success 2", "fail 1", "queue 2", "compute_input 2", "compute_infer 2", "compute_output 2", "cache_hit 0", "cache_miss 0"],
            stats.EnumerateObject().Select(each => $"{each.Name} {each.Value.GetProperty("count")}"));
        long total = Ns(stats, "success"), infer = Ns(stats, "compute_infer"), queue = Ns(stats, "queue");
        Assert.InRange(infer, 1, total);
        Assert.InRange(queue, 1, total);
        Assert.Equal((3, 1), (samples.GetProperty("inference_count").GetInt32(), samples.GetProperty("execution_count").GetInt32()));
        Assert.Equal(12, all.GetArrayLength());
    }

    [Fact]
    public async Task Requests_are_counted_by_what_they_compute_also_those_that_fail()
    {
        using MetricCollector<long> requests = host.Metric<long>("flowservice.requests");
        await http.PostRawAsync(Sample, Count(2)).TensorsAsync();
        await http.PostRawAsync("/v2/models/two-moons.decode/versions/1/infer", "{").ErrorAsync();
        await http.PostRawAsync("/v2/models/someone-elses-words/infer", "{}").ErrorAsync(HttpStatusCode.NotFound);

        await Eventually.TrueAsync(() => requests.GetMeasurementSnapshot().Count == 3, "three requests are counted");
        Assert.Equal(["two-moons sample 2xx", "two-moons decode 4xx", " logprob 4xx"],
            requests.GetMeasurementSnapshot().Select(each => $"{each.Tags["model"]} {each.Tags["operation"]} {each.Tags["outcome"]}"));
    }

    [Fact]
    public async Task Images_come_flat_or_in_their_own_shape()
    {
        string Image(string shape) => $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":{{shape}},"data":[[[[1,2],[3,4]]],[[[5,6],[7,8]]]]}]}""";
        var (_, flat) = await http.PostRawAsync("/v2/models/image/infer", Image("[2,4]")).TensorsAsync();
        var (_, image) = await http.PostRawAsync("/v2/models/image/infer", Image("[2,1,2,2]")).TensorsAsync();

        Assert.Equal(flat["z"], image["z"]);
        Assert.Contains("[-1, 4] or [-1, 1, 2, 2]", await http.PostRawAsync("/v2/models/image/infer", Image("[2,2,2]")).ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flow_whose_own_name_ends_like_a_face_comes_first()
    {
        JsonElement own = await http.GetAsync("/v2/models/odd.sample").OkAsync();
        JsonElement sampler = await http.GetAsync("/v2/models/odd.sample.sample").OkAsync();

        Assert.Equal("x", own.GetProperty("inputs")[0].GetProperty("name").GetString());
        Assert.Equal("[-1,3]", sampler.GetProperty("outputs")[0].GetProperty("shape").GetRawText());
        Assert.Equal("z", (await http.GetAsync("/v2/models/odd.decode").OkAsync()).GetProperty("inputs")[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Administrators_load_and_unload_and_the_index_says_so()
    {
        await http.PostRawAsync("/v2/repository/models/two-moons/unload", "").ErrorAsync(HttpStatusCode.Unauthorized);
        http.DefaultRequestHeaders.Authorization = new("Bearer", "s3cret");

        await http.PostRawAsync("/v2/repository/models/two-moons.sample/unload", """{"parameters":{"unload_dependents":false}}""").OkAsync();
        Assert.Contains("unloaded", await http.PostRawAsync(Infer, OneRow).ErrorAsync(HttpStatusCode.ServiceUnavailable), StringComparison.Ordinal);
        await http.GetAsync("/v2/models/two-moons.decode/ready").ErrorAsync(HttpStatusCode.ServiceUnavailable);
        string[] index = [.. (await http.PostRawAsync("/v2/repository/index", "{}").OkAsync()).EnumerateArray().Select(model => model.GetRawText())];
        Assert.Contains("""{"name":"two-moons.sample","version":"1","state":"UNAVAILABLE","reason":"unloaded"}""", index);
        Assert.Equal(9, (await http.PostRawAsync("/v2/repository/index", """{"ready":true}""").OkAsync()).GetArrayLength());

        Assert.Contains("'config'", await http.PostRawAsync("/v2/repository/models/two-moons/load", """{"parameters":{"config":"{}"}}""").ErrorAsync(), StringComparison.Ordinal);
        await http.PostRawAsync("/v2/repository/models/two-moons/load", "[").ErrorAsync();
        await http.PostRawAsync("/v2/repository/models/none/load", "{}").ErrorAsync(HttpStatusCode.NotFound);
        await http.PostRawAsync("/v2/repository/models/two-moons/load", "").OkAsync();
        await http.PostRawAsync(Infer, OneRow).TensorsAsync();
    }

    private static string Count(int samples, string more = "") =>
        $$"""{"inputs":[{"name":"num_samples","datatype":"INT64","shape":[1],"data":[{{samples}}]}]{{more}}}""";

    private static long Ns(JsonElement stats, string name) => stats.GetProperty(name).GetProperty("ns").GetInt64();
}
