using System.Text.Json;
using FlowService.Tests.Support;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.Http;

public sealed class CacheTests : IDisposable
{
    private const string Request = """{"model":"two-moons","x":[[1,2],[3,4]],"include":["z","log_det"]}""", Sample = """{"model":"two-moons","count":3,"seed":5}""";

    private readonly TemporaryFolder repository = TestModels.Repository();
    private readonly EngineHook hook = new();

    [Fact]
    public async Task The_same_rows_are_computed_once_whatever_their_media_type()
    {
        await using ServiceHost host = await StartAsync();
        using HttpClient http = host.Http();
        using MetricCollector<long> hits = host.Metric<long>("flowservice.cache.hits"), misses = host.Metric<long>("flowservice.cache.misses");
        hook.Batches.Clear();

        string first = (await http.AskAsync("/logprob", Request)).GetRawText();
        string again = (await http.AskAsync("/logprob", Request)).GetRawText();
        Npy npy = await http.NpyAsync("/logprob?model=two-moons", Npy.Of([1f, 2, 3, 4], 2, 2));

        Assert.Equal(first, again);
        Assert.Equal(JsonDocument.Parse(first).RootElement.Floats("log_prob"), npy.Floats);
        Assert.Equal(["forward 2"], hook.Batches);
        Assert.Equal(2, Sum(hits));
        Assert.Equal(1, Sum(misses));
    }

    [Fact]
    public async Task Statistics_count_what_was_remembered_and_what_was_not()
    {
        await using ServiceHost host = await StartAsync();
        using HttpClient http = host.Http();
        for (int i = 0; i < 3; i++)
            await http.AskAsync("/logprob", Request);
        await http.AskAsync("/logprob", """{"model":"wide","x":[]}""".Replace("[]", $"[[{string.Join(',', new int[30])}]]", StringComparison.Ordinal));

        JsonElement model = JsonDocument.Parse(await http.GetStringAsync("/v2/models/two-moons/stats")).RootElement.GetProperty("model_stats")[0];
        JsonElement stats = model.GetProperty("inference_stats");

        Assert.Equal(["success 3", "fail 0", "queue 3", "compute_input 1", "compute_infer 1", "compute_output 1", "cache_hit 2", "cache_miss 1"],
            stats.EnumerateObject().Select(each => $"{each.Name} {each.Value.GetProperty("count")}"));
        Assert.Equal((2, 1), (model.GetProperty("inference_count").GetInt32(), model.GetProperty("execution_count").GetInt32()));
        Assert.True(stats.GetProperty("cache_hit").GetProperty("ns").GetInt64() > 0);
        Assert.True(stats.GetProperty("cache_miss").GetProperty("ns").GetInt64() > 0);
    }

    [Theory]
    [InlineData("/logprob", """{"model":"two-moons","x":[[1,2],[3,5]]}""")]
    [InlineData("/logprob", """{"model":"two-moons","x":[[1,2],[3,4],[1,2]]}""")]
    [InlineData("/sample", """{"model":"two-moons","count":3,"seed":6}""")]
    [InlineData("/sample", """{"model":"two-moons","count":3,"seed":5,"temperature":0.5}""")]
    [InlineData("/sample", """{"model":"two-moons","count":3,"seed":5,"offset":1}""")]
    [InlineData("/sample", """{"model":"two-moons","count":2,"seed":5}""")]
    public async Task What_differs_in_anything_is_computed(string path, string body)
    {
        await using ServiceHost host = await StartAsync();
        using HttpClient http = host.Http();
        await http.AskAsync("/logprob", Request);
        await http.AskAsync("/sample", Sample);
        hook.Batches.Clear();

        await http.AskAsync(path, body);

        Assert.Single(hook.Batches);
    }

    [Fact]
    public async Task Rows_of_another_context_are_computed()
    {
        await using ServiceHost host = await StartAsync();
        using HttpClient http = host.Http();
        float[] one = (await http.AskAsync("/logprob", """{"model":"digits","x":[[1,2,3,4]],"context":1}""")).Floats("log_prob");
        float[] two = (await http.AskAsync("/logprob", """{"model":"digits","x":[[1,2,3,4]],"context":2}""")).Floats("log_prob");

        Assert.NotEqual(one, two);
    }

    [Fact]
    public async Task A_reloaded_version_never_gives_the_old_answers()
    {
        await using ServiceHost host = await StartAsync(("Models:PollSeconds", "0"));
        using HttpClient http = host.Http();
        float[] before = (await http.AskAsync("/logprob", Request)).Floats("log_prob");

        await http.PostAsync("/models/two-moons/unload", null);
        Directory.Delete(Path.Combine(repository.Path, "two-moons"), recursive: true);
        TestModels.Write(repository.Path, TestModels.Spec("two-moons", 2), scale: 0.5f);
        await http.PostAsync("/models/two-moons/load", null);

        Assert.NotEqual(before, (await http.AskAsync("/logprob", Request)).Floats("log_prob"));
    }

    [Fact]
    public async Task Nothing_is_remembered_unless_a_model_asks_for_it()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, hook.Engines);
        using HttpClient http = host.Http();
        hook.Batches.Clear();

        await http.AskAsync("/logprob", Request);
        await http.AskAsync("/logprob", Request);

        Assert.Equal(["forward 2", "forward 2"], hook.Batches);
    }

    [Fact]
    public async Task The_memory_is_bounded()
    {
        await using ServiceHost host = await StartAsync(("Cache:Bytes", "1024"));
        using HttpClient http = host.Http();
        string large = $$"""{"model":"two-moons","x":{{JsonSerializer.Serialize(Enumerable.Range(0, 100).Select(i => new[] { i, 0 }))}}}""";
        hook.Batches.Clear();

        await http.AskAsync("/logprob", large);
        await http.AskAsync("/logprob", large);

        Assert.Equal(["forward 100", "forward 100"], hook.Batches);
    }

    public void Dispose()
    {
        hook.Dispose();
        repository.Dispose();
    }

    private Task<ServiceHost> StartAsync(params (string, string)[] settings) =>
        ServiceHost.StartAsync(repository.Path, hook.Engines, [("Models:Overrides:two-moons:Cache", "true"), ("Models:Overrides:digits:Cache", "true"), .. settings]);

    private static long Sum(MetricCollector<long> counter) => counter.GetMeasurementSnapshot().Sum(measurement => measurement.Value);
}
