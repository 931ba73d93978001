using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlowCore;
using FlowCore.Checkpoints;
using FlowService.Tests.Support;

namespace FlowService.Tests.Models;

public sealed class ModelLifeTests : IDisposable
{
    private readonly TemporaryFolder repository = new();

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task A_broken_model_is_listed_with_its_reason_and_the_others_serve()
    {
        TestModels.Write(repository.Path, TestModels.Spec("good", 2));
        TestModels.Write(repository.Path, TestModels.Spec("damaged", 2));
        string weights = Path.Combine(repository.Path, "damaged", "1", Checkpoint.WeightsFile);
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[^1] ^= 1;
        File.WriteAllBytes(weights, bytes);
        Directory.CreateDirectory(Path.Combine(repository.Path, "empty", "1"));
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using HttpClient http = host.Http();

        JsonElement models = await GetAsync(http, "/models");
        JsonElement problem = await http.RefusedAsync("/logprob", """{"model":"damaged","x":[[0,1]]}""", HttpStatusCode.ServiceUnavailable);

        Assert.Equal(["damaged failed", "empty failed", "good ready"],
            models.GetProperty("models").EnumerateArray().Select(model => $"{model.GetProperty("name")} {model.GetProperty("state")}"));
        Assert.Equal("model-failed", problem.Type());
        Assert.Contains("sha256", problem.Detail(), StringComparison.Ordinal);
        Assert.Contains("sha256", (await GetAsync(http, "/models/damaged")).GetProperty("reason").GetString(), StringComparison.Ordinal);
        await http.AskAsync("/logprob", """{"model":"good","x":[[0,1]]}""");
    }

    [Theory]
    [InlineData("""{"kind":"levels","levels":[{"width":1,"base":{"kind":"standard_normal"}}]}""", "[]", "base.levels: their widths must add up to 2")]
    [InlineData("""{"kind":"levels","levels":[{"width":1,"base":{"kind":"standard_normal"}},{"width":5000,"base":{"kind":"standard_normal"}}]}""", "[]", "base.levels: their widths must add up to 2")]
    [InlineData("""{"kind":"levels","levels":[{"width":1,"base":{"kind":"standard_normal"}},{"width":100000000,"base":{"kind":"standard_normal"}}]}""", "[]", "base.levels: their widths must add up to 2")]
    [InlineData("""{"kind":"standard_normal"}""", """[{"kind":"softclip","bound":-5}]""", "bijections[0].bound: must be positive, is -5")]
    [InlineData("""{"kind":"standard_normal"}""", """[{"kind":"logit","alpha":0.7}]""", "bijections[0].alpha: must lie in [0, 0.5), is 0.7")]
    [InlineData("""{"kind":"standard_normal"}""", """[{"kind":"elementwise","element":{"kind":"spline","bins":0}}]""", "bijections[0].element.bins: must lie in 1..1024, is 0")]
    public async Task A_description_that_cannot_be_takes_nothing_else_down(string density, string bijections, string reason)
    {
        TestModels.Write(repository.Path, TestModels.Spec("good", 2));
        TestModels.Write(repository.Path, TestModels.Spec("wrong", 2));
        string path = Path.Combine(repository.Path, "wrong", "1", Checkpoint.SpecFile);
        JsonNode spec = JsonNode.Parse(File.ReadAllText(path))!;
        (spec["base"], spec["bijections"]) = (JsonNode.Parse(density), JsonNode.Parse(bijections));
        File.WriteAllText(path, spec.ToJsonString());
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using HttpClient http = host.Http();

        Assert.Equal(reason, (await GetAsync(http, "/models/wrong")).GetProperty("reason").GetString());
        await http.AskAsync("/logprob", """{"model":"good","x":[[0,1]]}""");
    }

    [Fact]
    public async Task A_load_that_fails_in_any_way_fails_its_model_alone()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2));
        foreach (Exception fault in (Exception[])[new InsufficientMemoryException("no memory"), new AggregateException(new InvalidOperationException("a worker's")), new DivideByZeroException("zero")])
        {
            await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, (_, _) => throw fault);
            using HttpClient http = host.Http();
            Assert.EndsWith((fault.InnerException ?? fault).Message, (await GetAsync(http, "/models/m")).GetProperty("reason").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_model_whose_full_batch_does_not_fit_into_memory_serves_in_smaller_ones()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2));
        using var hook = new EngineHook { MemoryRows = 1000 };
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, hook.Engines, ("Batching:BatchRows", "4096"));
        using HttpClient http = host.Http();
        hook.Batches.Clear();

        JsonElement answer = await http.AskAsync("/sample", """{"model":"m","count":1500}""");

        Assert.Equal(1500, answer.GetProperty("samples").GetArrayLength());
        Assert.Equal(["inverse 512", "inverse 512", "inverse 476"], hook.Batches);
        Assert.Equal(512, host.Registry.Get("m", null).Served!.Queue.BatchRows);
    }

    [Fact]
    public async Task The_highest_version_that_loads_serves_and_others_by_number()
    {
        foreach (int version in (int[])[1, 2, 10])
            TestModels.Write(repository.Path, TestModels.Spec("m", 2), version);
        File.WriteAllText(Path.Combine(repository.Path, "m", "10", Checkpoint.SpecFile), "{");
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using HttpClient http = host.Http();

        // The only model may be left unnamed.
        Assert.Equal(2, (await http.AskAsync("/sample", """{"count":1}""")).GetProperty("version").GetInt32());
        Assert.Equal(1, (await http.AskAsync("/sample", """{"count":1,"version":1}""")).GetProperty("version").GetInt32());
        await http.RefusedAsync("/sample", """{"count":1,"version":10}""", HttpStatusCode.ServiceUnavailable);
        await http.RefusedAsync("/sample", """{"count":1,"version":3}""", HttpStatusCode.NotFound);
        JsonElement details = await GetAsync(http, "/models/m");
        Assert.Equal(["10 failed", "2 ready", "1 ready"],
            details.GetProperty("versions").EnumerateArray().Select(each => $"{each.GetProperty("version")} {each.GetProperty("state")}"));
    }

    [Fact, Trait("Engine", "compiled")]
    public async Task A_model_tells_its_shape_its_device_and_its_self_test()
    {
        TestModels.Write(repository.Path, TestModels.Spec("digits", 4, new ContextSpec { Classes = 3 }) with
        {
            Features = ["a", "b", "c", "d"],
            Provenance = new Provenance { Source = "flow train", Command = "flow train --seed 1" },
        });
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using HttpClient http = host.Http();

        JsonElement model = await GetAsync(http, "/models/digits");

        Assert.Equal("[4]", model.GetProperty("event_shape").GetRawText());
        Assert.Equal(4, model.GetProperty("width").GetInt32());
        Assert.Equal(3, model.GetProperty("context").GetProperty("classes").GetInt32());
        Assert.Equal(("compiled", "cpu"), (model.GetProperty("engine").GetString(), model.GetProperty("device").GetString()));
        Assert.Equal("flow train", model.GetProperty("provenance").GetProperty("source").GetString());
        Assert.Equal("coupling", model.GetProperty("spec").GetProperty("bijections")[0].GetProperty("kind").GetString());
        Assert.Equal(256, model.GetProperty("self_test").GetProperty("rows").GetInt32());
        Assert.InRange(model.GetProperty("self_test").GetProperty("round_trip_error").GetDouble(), 0, 1e-4);
        Assert.InRange(model.GetProperty("self_test").GetProperty("log_prob_difference").GetDouble(), 0, 1e-4);
    }

    [Fact]
    public async Task A_model_that_differs_from_float64_by_more_than_the_tolerance_is_refused()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 30));
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:SelfTestTolerance", "1e-9"));
        using HttpClient http = host.Http();

        string reason = (await GetAsync(http, "/models/m")).GetProperty("reason").GetString()!;

        Assert.Contains("Models:SelfTestTolerance", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_models_the_service_is_ready_where_that_is_allowed()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(Path.Combine(repository.Path, "none"), null, ("Models:AllowEmpty", "true"));
        using HttpClient http = host.Http();

        Assert.Equal("""{"models":[]}""", (await GetAsync(http, "/models")).GetRawText());
        Assert.Contains("no model is loaded", (await http.RefusedAsync("/sample", """{"count":1}""", HttpStatusCode.UnprocessableEntity)).Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_models_load_the_service_lives_and_refuses_with_Retry_After()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2));
        using var hook = new EngineHook();
        hook.Hold();
        await using ServiceHost host = ServiceHost.Start(repository.Path, hook.Engines);
        using HttpClient http = host.Http();
        await hook.Entered();

        using HttpResponseMessage live = await http.GetAsync("/health/live");
        using HttpResponseMessage refused = await http.SendAsync("/sample", """{"count":1}""");
        using HttpResponseMessage ready = await http.GetAsync("/health/ready");

        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        Assert.Equal("not-ready", (await Calls.ProblemAsync(refused, HttpStatusCode.ServiceUnavailable)).Type());
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Contains("loading m version 1", (await Calls.ProblemAsync(ready, HttpStatusCode.ServiceUnavailable)).Detail(), StringComparison.Ordinal);
        hook.Release();
        await Eventually.TrueAsync(async () => (await http.GetAsync("/health/ready")).IsSuccessStatusCode, "the model is loaded");
        await http.AskAsync("/sample", """{"count":1}""");
    }

    [Fact]
    public async Task A_shutdown_finishes_what_was_accepted_and_disposes_of_the_models_on_their_own_threads()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2));
        using var hook = new EngineHook();
        ServiceHost host = await ServiceHost.StartAsync(repository.Path, hook.Engines);
        using HttpClient http = host.Http();
        hook.Hold();
        Task<JsonElement> computing = http.AskAsync("/sample", """{"count":5}""");
        await hook.Entered();
        Task<JsonElement> waiting = http.AskAsync("/logprob", """{"x":[[0,1]]}""");
        await Eventually.TrueAsync(() => host.QueuedRows == 1, "a request waits");

        Task stopping = host.DisposeAsync().AsTask();
        hook.Release();

        Assert.Equal(5, (await computing).Rows("samples").Length);
        Assert.Single((await waiting).Floats("log_prob"));
        await stopping;
        Assert.Equal(1, hook.DisposedEngines);
        Assert.Equal("batches of m 1", hook.DisposingThread);
    }

    private static async Task<JsonElement> GetAsync(HttpClient http, string path) => JsonDocument.Parse(await http.GetStringAsync(path)).RootElement.Clone();
}
