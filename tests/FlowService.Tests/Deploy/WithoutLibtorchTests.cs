using System.Diagnostics;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Deploy;

/// <summary>The image without libtorch: the same program in a folder that has none.</summary>
public sealed class WithoutLibtorchTests : IDisposable
{
    private static readonly string[] Libtorch = ["libtorch", "libc10", "libLibTorchSharp", "libgomp", "libshm"];

    // Beside the tests, for links lead to no other file system.
    private readonly string folder = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "without-libtorch")).FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task What_the_compiled_engine_runs_is_served_and_what_needs_TorchSharp_is_refused_in_words()
    {
        string[] files = [.. Directory.GetFiles(AppContext.BaseDirectory).Where(file => !Array.Exists(Libtorch, name => Path.GetFileName(file).StartsWith(name, StringComparison.Ordinal)))];
        using (Process link = Process.Start("cp", ["--link", "--force", .. files, folder]))
            await link.WaitForExitAsync();
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceProcess compiled = await ServiceProcess.StartFromAsync(folder, repository.Path, ServiceProcess.FreePort());
        await using ServiceProcess torch = await ServiceProcess.StartFromAsync(folder, repository.Path, ServiceProcess.FreePort(), "--Engine:Kind=torch");
        var (_, _, errors) = await ServiceProcess.RunFromAsync(folder, $"--Models:Repository={repository.Path}", "--urls=http://127.0.0.1:0", "--Torch:Device=cuda");
        using HttpClient http = compiled.Http(), refusing = torch.Http();

        JsonElement answer = await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1]]}""");
        Assert.True(float.IsFinite(Assert.Single(answer.Floats("log_prob"))));
        JsonElement refused = JsonDocument.Parse(await refusing.GetStringAsync("/models/two-moons")).RootElement;
        Assert.Equal("failed", refused.GetProperty("state").GetString());
        Assert.Equal("it needs TorchSharp (it was asked for), and libtorch is not there: take the image that is built with TORCH=cpu, or build with -p:TorchBackend=cpu", refused.GetProperty("reason").GetString());
        Assert.StartsWith("FlowService does not start: device 'cuda' was asked for: ", Assert.Single(errors), StringComparison.Ordinal);
        Assert.DoesNotContain("TorchSharp", errors[0], StringComparison.Ordinal);
    }
}
