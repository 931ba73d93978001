using System.Net;
using System.Text.Json;
using FlowService.Models;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.Tests.Support;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace FlowService.Tests.Models;

/// <summary>A service without a model says so in every way that it is asked whether it is ready.</summary>
public sealed class EmptyRepositoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("none", "none is not a folder (No such file or directory)")]
    [InlineData("file", "file is not a folder")]
    [InlineData("empty", "empty holds no model")]
    [InlineData("foreign", "foreign holds no model")]
    public async Task It_is_not_ready_until_a_model_is_there(string repository, string reason)
    {
        string path = Path.Combine(folder.Path, repository);
        Directory.CreateDirectory(Path.Combine(folder.Path, "empty"));
        Directory.CreateDirectory(Path.Combine(folder.Path, "foreign", "lost+found"));
        File.WriteAllText(Path.Combine(folder.Path, "file"), "");
        await using ServiceHost host = ServiceHost.Start(path, null, ("Models:PollSeconds", "0.02"));
        using HttpClient http = host.Http();
        using GrpcChannel channel = GrpcChannel.ForAddress(host.GrpcAddress);
        await Eventually.TrueAsync(async () => (await http.GetAsync("/models")).IsSuccessStatusCode, "the repository was looked at");

        using HttpResponseMessage ready = await http.GetAsync("/health/ready"), protocol = await http.GetAsync("/v2/health/ready");
        JsonElement problem = await Calls.ProblemAsync(ready, HttpStatusCode.ServiceUnavailable);
        Assert.Contains(reason, problem.Detail(), StringComparison.Ordinal);
        Assert.Contains("Models:AllowEmpty", problem.Detail(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, protocol.StatusCode);
        Assert.Contains(reason, await protocol.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False((await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ServerReadyAsync(new())).Ready);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, (await new Health.HealthClient(channel).CheckAsync(new())).Status);

        File.Delete(Path.Combine(folder.Path, "file"));
        TestModels.Write(path, TestModels.Spec("m", 2));
        await Eventually.TrueAsync(async () => (await http.GetAsync("/health/ready")).IsSuccessStatusCode, "the model is found");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/v2/health/ready")).StatusCode);
        Assert.True((await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ServerReadyAsync(new())).Ready);
        Directory.Delete(Path.Combine(path, "m"), recursive: true);
        await Eventually.TrueAsync(async () => (await http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable, "the last model is gone");
    }

    [Fact]
    public async Task A_repository_that_vanishes_takes_no_loaded_model_with_it()
    {
        string path = Path.Combine(folder.Path, "models"), away = Path.Combine(folder.Path, "away");
        TestModels.Write(path, TestModels.Spec("m", 2));
        await using ServiceHost host = await ServiceHost.StartAsync(path, null, ("Models:PollSeconds", "0.02"));
        using HttpClient http = host.Http();
        var gate = (ServiceGate)host.Services.GetService(typeof(ServiceGate))!;
        Directory.Move(path, away);
        await Eventually.TrueAsync(() => gate.RepositoryFault is not null, "the repository was looked at");

        await http.AskAsync("/sample", """{"model":"m","count":1}""");
        Assert.Contains("not a folder", (await http.RefusedAsync("/models/m/load", "", HttpStatusCode.ServiceUnavailable)).Detail(), StringComparison.Ordinal);
        Assert.True((await http.GetAsync("/health/ready")).IsSuccessStatusCode);
        Directory.Move(away, path);
        await http.AskAsync("/models/m/load", "");
    }
}
