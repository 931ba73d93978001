using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Sources;

/// <summary>Looks at every source before the repository is read for the first time, then every some seconds. A source that fails is tried again, and what is there serves.</summary>
internal sealed class SourceWatcher(
    IConfiguration configuration, SourcePuller puller, RemoteFiles remote, ModelLifecycle lifecycle, ServiceGate gate, IOptions<ModelsOptions> options, TimeProvider time,
    ILogger<SourceWatcher> logger) : BackgroundService
{
    private readonly ModelSource[] sources = [.. SourceSettings.Read(configuration, []).Select(settings => ModelSource.Of(settings, remote))];
    private readonly Dictionary<string, string> faults = new(StringComparer.Ordinal);

    /// <summary>The first look at all of them, which the repository's reader waits for.</summary>
    public async Task FirstLookAsync(CancellationToken stop)
    {
        foreach (ModelSource source in sources)
        {
            gate.Progress = $"pulling models from {source.Name}";
            await LookAsync(source, stop);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (sources.Length == 0 || options.Value.SourceSeconds <= 0)
            return;
        await gate.Opened.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.SourceSeconds), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            foreach (ModelSource source in sources)
                if (await LookAsync(source, stoppingToken) > 0)
                    await lifecycle.RefreshAsync(isStart: false, stoppingToken);
    }

    private async Task<int> LookAsync(ModelSource source, CancellationToken stop)
    {
        try
        {
            int brought = await puller.PullAsync(source, stop);
            if (faults.Remove(source.Name))
                logger.Answers(source.Name);
            gate.Sources(source.Name, null);
            return brought;
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            if (faults.GetValueOrDefault(source.Name) != e.Message)
                logger.NotPulled(source.Name, faults[source.Name] = e.Message, e is SourceException ? null : e);
            if (puller.Brought(source).Count == 0)
                gate.Sources(source.Name, e.Message);
            return 0;
        }
    }
}
