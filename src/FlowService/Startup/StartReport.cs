using FlowRows;
using FlowService.Models;
using FlowService.OpenInference.Grpc;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace FlowService.Startup;

/// <summary>Says in three lines what has started: where it listens as soon as it does; once the models are loaded what it serves, and what it skipped and why.</summary>
internal sealed class StartReport(
    IHostApplicationLifetime lifetime, IServer server, ServiceGate gate, ModelRegistry registry, ModelLifecycle models, ModelRepository repository,
    IConfiguration configuration, IOptions<GrpcOptions> grpc, ILogger<StartReport> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using (lifetime.ApplicationStarted.UnsafeRegister(_ => started.SetResult(), null))
                await started.Task.WaitAsync(stoppingToken);
            SayWhere();
            await gate.Opened.WaitAsync(stoppingToken);
            SayWhat();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // It has not started, or was stopped before it was ready.
        }
    }

    private void SayWhere()
    {
        string[] addresses = [.. server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []];
        string[] forGrpc = Array.FindAll(addresses, IsForGrpc), forHttp = addresses.Except(forGrpc).ToArray();
        logger.Listening(
            forHttp.Length > 0 ? $"{forHttp[0].Replace("0.0.0.0", "localhost", StringComparison.Ordinal).Replace("[::]", "localhost", StringComparison.Ordinal)}/" : "nowhere",
            Listed(forHttp, "nowhere"), Listed(forGrpc, "nowhere (Grpc:Port is 0)"));
    }

    private void SayWhat()
    {
        ModelVersion[] versions = [.. registry.Models.SelectMany(model => model.Value)];
        logger.Serving(Listed(versions.Where(version => version.Serves).Select(version => $"{version.Name} {version.Version}"), $"no model of {repository.Path}"));
        logger.Skipped(Listed(versions.Where(version => version.Reason is not null && !version.Serves).Select(version => $"{version.Name.Shown()} {version.Version} ({version.Reason!.OneLine()})")
            .Concat(models.Notes.Select(note => $"{note.Path} ({note.Reason})")), "nothing"));
    }

    private bool IsForGrpc(string address) => BindingAddress.Parse(address) is var bound
        && (bound.Port == grpc.Value.Port || configuration.GetSection("Kestrel:Endpoints").GetChildren().Any(endpoint =>
            endpoint["Protocols"]?.Equals("Http2", StringComparison.OrdinalIgnoreCase) == true && endpoint["Url"] is { } url && BindingAddress.Parse(url).Port == bound.Port));

    private static string Listed(IEnumerable<string> parts, string none) => string.Join(", ", parts) is { Length: > 0 } text ? text : none;
}
