using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using FlowCore.Checkpoints;
using FlowService.Tests.Support;

namespace FlowService.Tests.Models;

/// <summary>What else may lie in a repository never stops a model: it is told once, and the rest serves.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class OddRepositoryTests : IDisposable
{
    private readonly TemporaryFolder repository = new();

    public void Dispose()
    {
        foreach (string path in Directory.GetDirectories(repository.Path))
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        repository.Dispose();
    }

    [Fact]
    public async Task Folders_that_may_not_be_read_are_told_once_and_the_rest_serves()
    {
        TestModels.Write(repository.Path, TestModels.Spec("good", 2));
        TestModels.Write(repository.Path, TestModels.Spec("closed", 2));
        Directory.CreateDirectory(At("lost+found"));
        Directory.CreateDirectory(At("good/v2"));
        Copy("good/1", "evil\u202eledom\u001b[31m/1");
        File.Delete(At("evil\u202eledom\u001b[31m/1/flow.json"));
        foreach (string path in (string[])["lost+found", "closed/1"])
            File.SetUnixFileMode(At(path), UnixFileMode.None);
        await using ServiceProcess service = await ServiceProcess.StartUnprivilegedAsync(repository.Path, ServiceProcess.FreePort(), "--Models:PollSeconds=0.02");
        using HttpClient http = service.Http();
        TestModels.Write(repository.Path, TestModels.Spec("later", 2));
        await Eventually.TrueAsync(async () => (await StatesAsync(http)).Contains("later 1 ready"), "polling goes on");

        File.SetUnixFileMode(At("closed/1"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await Eventually.TrueAsync(async () => (await StatesAsync(http)).Contains("closed 1 ready"), "the folder that was opened is read");
        Assert.Equal(["closed 1 ready", "good 1 ready", "later 1 ready"], (await StatesAsync(http)).Where(state => !state.Contains("evil", StringComparison.Ordinal)));
        foreach (string odd in (string[])["lost+found", "closed/1", "good/v2"])
            Assert.Single(service.Log, line => line.Contains(At(odd) + ": ", StringComparison.Ordinal));
        Assert.Contains(service.Log, line => line.Contains("evil ledom", StringComparison.Ordinal));
        Assert.DoesNotContain(service.Log, line => line.Contains('\u202e') || line.Contains('\u001b'));
        string[] told = [.. service.Log.Where(line => !line.Contains("Skipped: ", StringComparison.Ordinal))]; // which sums it up
        Assert.Single(told, line => line.Contains("Permission denied", StringComparison.Ordinal) && line.Contains("lost+found", StringComparison.Ordinal)
            || line.Contains("is denied", StringComparison.Ordinal) && line.Contains("lost+found", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Names_beyond_the_rule_are_shown_as_failed_with_the_remedy()
    {
        TestModels.Write(repository.Path, TestModels.Spec("good", 2));
        foreach (string name in (string[])["modèle", "my model", "a,b", new('n', 129)])
            Copy("good/1", $"{name}/1");
        foreach (string name in (string[])["A.b_c-1", new('n', 128)])
            Copy("good/1", $"{name}/1");
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();

        JsonElement[] models = [.. JsonDocument.Parse(await http.GetStringAsync("/models")).RootElement.GetProperty("models").EnumerateArray()];
        foreach (JsonElement model in models)
        {
            string name = model.GetProperty("name").GetString()!;
            bool allowed = ModelName.IsAllowed(name);
            Assert.Equal(allowed ? "ready" : "failed", model.GetProperty("state").GetString());
            if (!allowed)
                Assert.Contains("rename the folder", model.GetProperty("reason").GetString(), StringComparison.Ordinal);
            // Whatever may be served is answered in each format: the name is a header there.
            using var call = new HttpRequestMessage(HttpMethod.Post, $"/logprob?model={Uri.EscapeDataString(name)}") { Content = new StringContent("0.5,1\n", Encoding.UTF8, "text/csv") };
            Assert.Equal(allowed ? 200 : 503, (int)(await http.SendAsync(call)).StatusCode);
        }
        Assert.Equal(3, models.Count(model => model.GetProperty("state").GetString() == "ready"));
        Assert.Equal(7, models.Length);
    }

    [Fact]
    public async Task Exports_files_and_pipes_in_place_of_models_are_shown_as_failed()
    {
        TestModels.Write(repository.Path, TestModels.Spec("good", 2));
        Directory.CreateDirectory(At("export/1"));
        File.WriteAllText(At("export/1/model.json"), "{}");
        File.Copy(At("good/1/weights.safetensors"), At("export/1/weights.safetensors"));
        foreach (string name in (string[])["pipe", "named", "calibrated", "endless", "dangling"])
            Copy("good/1", $"{name}/1");
        File.Delete(At("pipe/1/flow.json"));
        File.WriteAllText(At("named/1/flow.json"), File.ReadAllText(At("good/1/flow.json")).Replace("weights.safetensors", "w.bin", StringComparison.Ordinal));
        // Reading these would wait, or go on, for ever.
        using (var pipes = System.Diagnostics.Process.Start("mkfifo",
            [At("pipe/1/flow.json"), At("named/1/w.bin"), At("calibrated/1/calibration.safetensors"), At("good/1/README.md")]))
            await pipes.WaitForExitAsync();
        File.CreateSymbolicLink(At("endless/1/calibration.safetensors"), "/dev/zero");
        File.CreateSymbolicLink(At("dangling/1/calibration.safetensors"), "nowhere");
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:PollSeconds", "0.02"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();

        Assert.Equal(["calibrated 1 failed", "dangling 1 failed", "endless 1 failed", "export 1 failed", "good 1 ready", "named 1 failed", "pipe 1 failed"], await StatesAsync(http));
        Assert.Contains("w.bin is not a file", await http.GetStringAsync("/models/named"), StringComparison.Ordinal);
        Assert.Contains("the link to nowhere leads nowhere", await http.GetStringAsync("/models/dangling"), StringComparison.Ordinal);
        Directory.CreateDirectory(At("late/1"));
        File.CreateSymbolicLink(At("late/1/flow.json"), "nowhere");
        await Eventually.TrueAsync(async () => (await StatesAsync(http)).Contains("late 1 failed"), "a link to nowhere is told while it polls, too");
        Assert.Contains("flow import", await http.GetStringAsync("/models/export"), StringComparison.Ordinal);
        File.Copy(At("good/1/flow.json"), At("export/1/flow.json"));
        await Eventually.TrueAsync(async () => (await StatesAsync(http)).Contains("export 1 ready"), "the import is loaded");
    }

    [Fact]
    public async Task A_version_that_is_replaced_in_place_serves_once_it_is_whole()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2), 1);
        TestModels.Write(repository.Path, TestModels.Spec("m", 2), 2);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:PollSeconds", "0.02"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();
        float one = await ScoreAsync(http, 1), two = await ScoreAsync(http, 2);

        File.Copy(At("m/2/weights.safetensors"), At("m/1/weights.safetensors"), overwrite: true);
        await Eventually.TrueAsync(async () => (await http.GetStringAsync("/models/m?version=1")).Contains("sha256", StringComparison.Ordinal), "half of it is there");
        Assert.Equal(one, await ScoreAsync(http, 1));
        File.Copy(At("m/2/flow.json"), At("m/1/flow.json"), overwrite: true);
        await Eventually.TrueAsync(async () => await ScoreAsync(http, 1) == two, "the other half is there");
        Assert.DoesNotContain("reason", await http.GetStringAsync("/models/m?version=1"), StringComparison.Ordinal);
    }

    private string At(string path) => Path.Combine(repository.Path, path);

    private void Copy(string from, string to)
    {
        Directory.CreateDirectory(At(to));
        foreach (string file in Directory.GetFiles(At(from)))
            File.Copy(file, Path.Combine(At(to), Path.GetFileName(file)));
    }

    private static async Task<float> ScoreAsync(HttpClient http, int version) =>
        (await http.AskAsync("/logprob", $$"""{"model":"m","version":{{version}},"x":[[0.5,1]]}""")).Floats("log_prob")[0];

    private static async Task<string[]> StatesAsync(HttpClient http) => [.. JsonDocument.Parse(await http.GetStringAsync("/models")).RootElement
        .GetProperty("models").EnumerateArray().Select(model => $"{model.GetProperty("name")} {model.GetProperty("version")} {model.GetProperty("state")}")];
}
