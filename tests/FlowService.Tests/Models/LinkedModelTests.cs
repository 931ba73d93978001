using System.Net;
using System.Text.Json;
using FlowCore.Checkpoints;
using FlowService.Tests.Support;

namespace FlowService.Tests.Models;

/// <summary>Models behind symbolic links that are swapped, as git-sync, ConfigMaps and deployment scripts do.</summary>
public sealed class LinkedModelTests : IDisposable
{
    private static readonly string[] Files = [Checkpoint.SpecFile, Checkpoint.WeightsFile, Checkpoint.CardFile];

    private readonly TemporaryFolder folder = new();

    /// <summary>Two models of the same shape and size, not the same weights.</summary>
    public LinkedModelTests()
    {
        TestModels.Write(At("blue"), TestModels.Spec("m", 2), version: 1);
        TestModels.Write(At("green"), TestModels.Spec("m", 2), version: 2);
        Directory.Move(At("green/m/2"), At("green/m/1"));
        foreach (string file in Files)
            foreach (string set in (string[])["blue", "green"])
                File.SetLastWriteTimeUtc(At($"{set}/m/1/{file}"), DateTime.UnixEpoch); // as archives and git may leave them
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("repository", false)]
    [InlineData("model", false)]
    [InlineData("version", false)]
    [InlineData("files", false)]
    [InlineData("data", false)]
    [InlineData("repository", true)]
    [InlineData("files", true)]
    [InlineData("data", true)]
    public async Task A_swapped_link_is_seen(string level, bool byHand)
    {
        string repository = Arrange(level);
        await using ServiceHost host = await ServiceHost.StartAsync(repository, null, ("Models:PollSeconds", byHand ? "0" : "0.02"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();
        float blue = await ScoreAsync(http);

        Swap(level);
        if (byHand)
            await http.AskAsync("/models/m/load", "");
        else
            await Eventually.TrueAsync(async () => await ScoreAsync(http) != blue, "the other model is loaded");

        await using ServiceHost other = await ServiceHost.StartAsync(At("green"), null, ("Batching:BatchRows", "16"));
        using HttpClient asked = other.Http();
        Assert.Equal(await ScoreAsync(asked), await ScoreAsync(http));
    }

    [Theory]
    [InlineData("repository")]
    [InlineData("model")]
    [InlineData("version")]
    [InlineData("files")]
    public async Task A_link_that_leads_nowhere_for_a_while_leaves_the_model_serving(string level)
    {
        string repository = Arrange(level);
        await using ServiceHost host = await ServiceHost.StartAsync(repository, null, ("Models:PollSeconds", "0.02"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();
        float blue = await ScoreAsync(http);
        foreach (string nowhere in (string[])["nowhere", Link(level)]) // and one that leads to itself
        {
            Replace(Link(level), nowhere);
            JsonElement problem = await http.RefusedAsync("/models/m/load", "", HttpStatusCode.ServiceUnavailable);
            Assert.Equal("model-failed", problem.Type());
            Assert.Equal(blue, await ScoreAsync(http));
        }

        Swap(level);
        await Eventually.TrueAsync(async () => await ScoreAsync(http) != blue, "the other model is loaded");
    }

    [Fact]
    public async Task Weights_count_by_the_size_that_their_link_leads_to()
    {
        string repository = Arrange("files");
        await using ServiceHost host = await ServiceHost.StartAsync(repository, null, ("Models:MemoryBytes", "1000"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();

        JsonElement problem = await http.RefusedAsync("/sample", """{"model":"m","count":1}""", HttpStatusCode.ServiceUnavailable);

        Assert.Contains($"its weights are {new FileInfo(At("blue/m/1/weights.safetensors")).Length} bytes", problem.Detail(), StringComparison.Ordinal);
    }

    private string At(string path) => Path.Combine(folder.Path, path);

    /// <summary>A repository whose link at this level leads to the blue model.</summary>
    private string Arrange(string level)
    {
        string repository = At("repository");
        if (level == "repository")
            Replace(repository, At("blue"));
        else if (level == "model")
            Replace(Path.Combine(repository, "m"), At("blue/m"));
        else if (level == "version")
            Replace(Path.Combine(repository, "m/1"), At("blue/m/1"));
        else if (level == "files")
            Array.ForEach(Files, file => Replace(Path.Combine(repository, "m/1", file), At($"blue/m/1/{file}")));
        else
        {
            // As the kubelet mounts a ConfigMap: each file links into ..data, which links to a folder of this moment.
            Replace(Path.Combine(repository, "m/1/..data"), At("blue/m/1"));
            Array.ForEach(Files, file => Replace(Path.Combine(repository, "m/1", file), $"..data/{file}"));
        }
        return repository;
    }

    private string Link(string level) => At(level switch
    {
        "repository" => "repository",
        "model" => "repository/m",
        "version" => "repository/m/1",
        "data" => "repository/m/1/..data",
        _ => $"repository/m/1/{Checkpoint.SpecFile}",
    });

    private void Swap(string level)
    {
        if (level == "files")
            Array.ForEach([.. Files.Reverse()], file => Replace(At($"repository/m/1/{file}"), At($"green/m/1/{file}")));
        else
            Replace(Link(level), At(level switch { "repository" => "green", "model" => "green/m", _ => "green/m/1" }));
    }

    /// <summary>Sets a link in one step.</summary>
    private static void Replace(string link, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        string aside = Path.Combine(Path.GetDirectoryName(link)!, $".{Guid.NewGuid():N}");
        File.CreateSymbolicLink(aside, target);
        Assert.Equal(0, Rename(aside, link));
    }

    private static int Rename(string from, string to)
    {
        using var move = System.Diagnostics.Process.Start("mv", ["-fT", from, to]);
        move.WaitForExit();
        return move.ExitCode;
    }

    private static async Task<float> ScoreAsync(HttpClient http) => (await http.AskAsync("/logprob", """{"model":"m","x":[[0.5,1]]}""")).Floats("log_prob")[0];
}
