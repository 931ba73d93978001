using System.Text.Json;
using FlowCore.Bijections;
using FlowService.Tests.Support;

namespace FlowService.Tests.Models;

/// <summary>Which engine serves a model, and that it says so.</summary>
public sealed class EngineTests : IDisposable
{
    private readonly TemporaryFolder repository = new();

    public void Dispose() => repository.Dispose();

    [Fact, Trait("Engine", "compiled")]
    public async Task Compiled_models_are_served_without_libtorch()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync(DemoModels.All, ServiceProcess.FreePort());
        using HttpClient http = service.Http();
        await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1]]}""");
        await http.AskAsync("/sample", """{"model":"digits","count":2,"context":[3]}""");
        await http.GetStringAsync("/metrics");

        string[] files = service.MappedFiles();

        Assert.Contains(files, name => name.StartsWith("libcoreclr", StringComparison.Ordinal));
        Assert.DoesNotContain(files, name => name.Contains("libtorch", StringComparison.OrdinalIgnoreCase));
    }

    [Fact, Trait("Engine", "compiled")]
    public async Task A_model_of_a_kind_that_is_not_compiled_runs_on_the_other_engine_and_says_why()
    {
        TestModels.Write(repository.Path, TestModels.Spec("plain", 2));
        TestModels.Write(repository.Path, TestModels.Identity("angles", 2) with { Bijections = [new WrapSpec { Features = [0], Bounds = [9] }] });
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using HttpClient http = host.Http();

        JsonElement plain = await GetAsync(http, "plain"), angles = await GetAsync(http, "angles");

        Assert.Equal("compiled", plain.GetProperty("engine").GetString());
        Assert.False(plain.TryGetProperty("engine_reason", out _));
        Assert.Equal("torch", angles.GetProperty("engine").GetString());
        Assert.Equal("bijections[0].Wrap is not compiled", angles.GetProperty("engine_reason").GetString());
    }

    [Fact]
    public async Task The_other_engine_serves_where_it_is_asked_for()
    {
        TestModels.Write(repository.Path, TestModels.Spec("plain", 2));
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Engine:Kind", "torch"), ("Torch:Device", "cpu"));
        using HttpClient http = host.Http();

        JsonElement plain = await GetAsync(http, "plain");

        Assert.Equal("torch", plain.GetProperty("engine").GetString());
        Assert.Equal("it was asked for", plain.GetProperty("engine_reason").GetString());
    }

    private static async Task<JsonElement> GetAsync(HttpClient http, string model)
    {
        using JsonDocument answer = JsonDocument.Parse(await http.GetStringAsync($"/models/{model}"));
        return answer.RootElement.Clone();
    }
}
