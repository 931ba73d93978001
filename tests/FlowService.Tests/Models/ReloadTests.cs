using System.Net;
using System.Text.Json;
using FlowCore.Checkpoints;
using FlowService.Models;
using FlowService.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.Models;

/// <summary>Versions that come, change and go while the service serves.</summary>
public sealed class ReloadTests : IDisposable
{
    private const string OneRow = """{"model":"m","x":[[0.5,1]]}""";

    private readonly TemporaryFolder repository = new();

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task Reloads_under_load_fail_no_request_and_mix_no_versions()
    {
        const int Reloads = 100, Clients = 2, Broken = 5;
        var expected = new Dictionary<int, float>();
        foreach (int version in (int[])[1, 2, 3])
            TestModels.Write(repository.Path, TestModels.Spec("m", 2), version);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:Versions", "latest"), ("Batching:BatchRows", "16"), ("Models:PollSeconds", "0"));
        using HttpClient http = host.Http();
        using var stop = new CancellationTokenSource();
        Task<int>[] clients = [.. Enumerable.Range(0, Clients).Select(i => Task.Run(() => HammerAsync(host, expected, i, stop.Token)))];
        for (int i = 0; i < Reloads; i++)
        {
            int version = 4 + i;
            if (i % Broken == 4)
            {
                Write(version, breakIt: true);
                JsonElement problem = await http.RefusedAsync("/models/m/load", "", HttpStatusCode.ServiceUnavailable);
                Assert.Contains("sha256", problem.Detail(), StringComparison.Ordinal);
                Assert.Contains($"version {version}", problem.Detail(), StringComparison.Ordinal);
                JsonElement failed = (await GetAsync(http, "/models/m")).GetProperty("versions")[0];
                Assert.Equal(("failed", version), (failed.GetProperty("state").GetString(), failed.GetProperty("version").GetInt32()));
                Directory.Delete(Folder(version), recursive: true);
            }
            else
            {
                Write(version, breakIt: false);
                Assert.Equal(version, (await http.AskAsync("/models/m/load", "")).GetProperty("version").GetInt32());
                Assert.Equal(version, (await http.AskAsync("/logprob", OneRow)).GetProperty("version").GetInt32());
            }
        }
        await stop.CancelAsync();

        Assert.True((await Task.WhenAll(clients)).Sum() > Reloads);
        Assert.True(expected.Count >= 20, $"the clients saw {expected.Count} versions");
        await Eventually.TrueAsync(() => host.QueuedRows == 0 && host.Pool.Outstanding == 0, "all buffers are returned");
    }

    [Fact]
    public async Task A_new_version_is_found_by_polling_and_a_half_written_one_is_not()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2), 1);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:PollSeconds", "0.02"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();
        TestModels.Write(repository.Path, TestModels.Spec("other", 2), 7);
        string half = Path.Combine(repository.Path, "m", "2");
        Directory.CreateDirectory(half);
        File.Copy(Path.Combine(repository.Path, "other", "7", Checkpoint.WeightsFile), Path.Combine(half, Checkpoint.WeightsFile));
        await Eventually.TrueAsync(async () => (await GetAsync(http, "/models")).GetProperty("models").GetArrayLength() == 2, "the new model is found");

        Assert.Equal(["1 ready"], await VersionsAsync(http, "m")); // the other one was looked at after it
        File.Copy(Path.Combine(repository.Path, "other", "7", Checkpoint.SpecFile), Path.Combine(half, Checkpoint.SpecFile));
        await Eventually.TrueAsync(async () => (await VersionsAsync(http, "m")).SequenceEqual(["2 ready", "1 ready"]), "the whole version is loaded");
        Assert.Equal(2, (await http.AskAsync("/logprob", OneRow)).GetProperty("version").GetInt32());
        Directory.Delete(half, recursive: true);
        await Eventually.TrueAsync(async () => (await VersionsAsync(http, "m")).SequenceEqual(["1 ready"]), "the version that is gone is dropped");
    }

    [Fact]
    public async Task Weights_that_grow_over_many_polls_are_refused_once_and_loaded_when_they_are_whole()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2), 1);
        string weights = Path.Combine(Folder(1), Checkpoint.WeightsFile);
        byte[] whole = await File.ReadAllBytesAsync(weights);
        await File.WriteAllBytesAsync(weights, whole[..10]);
        await using ServiceHost host = ServiceHost.Start(repository.Path, null, ("Models:PollSeconds", "0"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();
        var lifecycle = host.Services.GetRequiredService<ModelLifecycle>();
        await Eventually.TrueAsync(async () => (await http.GetAsync("/models")).IsSuccessStatusCode, "the models were looked at");
        using MetricCollector<long> loads = host.Metric<long>("flowservice.model.loads");

        for (int length = 11; length < whole.Length; length += whole.Length / 7)
        {
            await File.WriteAllBytesAsync(weights, whole[..length]);
            await lifecycle.RefreshAsync(isStart: false, CancellationToken.None);
        }
        Assert.Empty(loads.GetMeasurementSnapshot());
        await File.WriteAllBytesAsync(weights, whole);
        for (int look = 0; look < 3; look++)
            await lifecycle.RefreshAsync(isStart: false, CancellationToken.None);

        Assert.Equal(["ready"], loads.GetMeasurementSnapshot().Select(each => each.Tags["outcome"]));
        Assert.Equal(["1 ready"], await VersionsAsync(http, "m"));
    }

    [Fact]
    public async Task Files_that_change_into_broken_ones_leave_what_was_loaded_serving()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2), 1);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:PollSeconds", "0.02"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();
        float before = (await http.AskAsync("/logprob", OneRow)).Floats("log_prob")[0];
        File.WriteAllText(Path.Combine(Folder(1), Checkpoint.SpecFile), "{");
        await Eventually.TrueAsync(async () => (await GetAsync(http, "/models/m")).TryGetProperty("reason", out _), "the fault is told");

        JsonElement model = await GetAsync(http, "/models/m");
        Assert.Equal("ready", model.GetProperty("state").GetString());
        Assert.Contains("what was loaded before goes on serving", model.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, (await http.AskAsync("/logprob", OneRow)).Floats("log_prob")[0]);
    }

    [Theory]
    [InlineData("all", "3 ready,2 ready,1 ready")]
    [InlineData("latest", "3 ready")]
    [InlineData("1, 2", "2 ready,1 ready")]
    public async Task The_policy_says_which_versions_are_loaded(string policy, string loaded)
    {
        foreach (int version in (int[])[1, 2, 3])
            TestModels.Write(repository.Path, TestModels.Spec("m", 2), version);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:Overrides:m:Versions", policy), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();

        Assert.Equal(loaded.Split(','), await VersionsAsync(http, "m"));
    }

    [Fact]
    public async Task Unload_takes_a_model_out_until_it_is_loaded_again()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2), 1);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:PollSeconds", "0.02"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();

        Assert.Equal("unloaded", (await http.AskAsync("/models/m/unload", "")).GetProperty("state").GetString());
        Assert.Contains("POST /models/m/load", (await http.RefusedAsync("/logprob", OneRow, HttpStatusCode.ServiceUnavailable)).Detail(), StringComparison.Ordinal);
        TestModels.Write(repository.Path, TestModels.Spec("next", 2), 1);
        await Eventually.TrueAsync(async () => (await GetAsync(http, "/models")).GetProperty("models").GetArrayLength() == 2, "the repository was looked at again");
        Assert.Equal(["1 unloaded"], await VersionsAsync(http, "m"));
        Assert.Equal("ready", (await http.AskAsync("/models/m/load", "")).GetProperty("state").GetString());
        await http.AskAsync("/logprob", OneRow);
        Assert.Equal("unknown-model", (await http.RefusedAsync("/models/none/load", "", HttpStatusCode.NotFound)).Type());
        Assert.Equal("unknown-version", (await http.RefusedAsync("/models/m/load?version=4", "", HttpStatusCode.NotFound)).Type());
        Assert.Equal("unknown-model", (await http.RefusedAsync("/models/none/unload", "", HttpStatusCode.NotFound)).Type());
    }

    private static async Task<int> HammerAsync(ServiceHost host, Dictionary<int, float> expected, int client, CancellationToken stop)
    {
        using HttpClient http = host.Http();
        int asked = 0;
        string sample = $$"""{"model":"m","count":{{5 + 9 * client}},"seed":3,"include":["z"]}""";
        for (; !stop.IsCancellationRequested; asked++)
        {
            JsonElement scored = await http.AskAsync("/logprob", """{"model":"m","x":[[0.5,1],[0.5,1],[0.5,1]]}""");
            float[] logProb = scored.Floats("log_prob");
            Assert.True(logProb.All(each => MathF.Abs(each - logProb[0]) <= 1e-4f * (1 + MathF.Abs(logProb[0]))), "rows of one answer are of one version");
            float known;
            lock (expected)
                known = expected.TryGetValue(scored.GetProperty("version").GetInt32(), out float before) ? before : expected[scored.GetProperty("version").GetInt32()] = logProb[0];
            Assert.Equal(known, logProb[0], Near.Float); // a version gives one answer, whoever asks
            Assert.Equal(5 + 9 * client, (await http.AskAsync("/sample", sample)).Rows("samples").Length); // in slices
        }
        return asked;
    }

    private void Write(int version, bool breakIt)
    {
        // Aside and then renamed, as `flow train` does.
        string aside = Path.Combine(repository.Path, ".aside");
        TestModels.Write(aside, TestModels.Spec("m", 2), version);
        if (breakIt)
        {
            string weights = Path.Combine(aside, "m", $"{version}", Checkpoint.WeightsFile);
            byte[] bytes = File.ReadAllBytes(weights);
            bytes[^1] ^= 1;
            File.WriteAllBytes(weights, bytes);
        }
        Directory.Move(Path.Combine(aside, "m", $"{version}"), Folder(version));
    }

    private string Folder(int version) => Path.Combine(repository.Path, "m", $"{version}");

    private static async Task<string[]> VersionsAsync(HttpClient http, string model) =>
        [.. (await GetAsync(http, $"/models/{model}")).GetProperty("versions").EnumerateArray().Select(each => $"{each.GetProperty("version")} {each.GetProperty("state")}")];

    private static async Task<JsonElement> GetAsync(HttpClient http, string path) => JsonDocument.Parse(await http.GetStringAsync(path)).RootElement.Clone();
}
