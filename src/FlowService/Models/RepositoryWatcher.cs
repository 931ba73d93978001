using FlowService.Sources;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>
/// Loads the models of the repository at start, while the server already says that it lives, and opens the gate; then looks
/// for new versions every few seconds. It stops after the server, and lets every model finish what it was asked.
/// </summary>
internal sealed class RepositoryWatcher(
    ModelRepository repository, ModelLifecycle lifecycle, ModelRegistry registry, ServiceGate gate, SourceWatcher sources, IOptions<ModelsOptions> options, TimeProvider time,
    ILogger<RepositoryWatcher> logger) : BackgroundService
{
    private Task? retired;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Retired().WaitAsync(cancellationToken);
        logger.AllDone();
    }

    // A host that is stopped twice at once waits twice for the same models.
    private Task Retired()
    {
        lock (registry)
            return retired ??= Task.WhenAll(registry.Close().Select(model => model.RetireAsync()));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await sources.FirstLookAsync(stoppingToken);
        await lifecycle.RefreshAsync(isStart: true, stoppingToken);
        if (stoppingToken.IsCancellationRequested)
            return;
        if (registry.IsEmpty)
            logger.NoModels(repository.Path);
        gate.Open();
        // What reading and compiling the models left behind goes back to the system.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        if (options.Value.PollSeconds > 0)
            await PollAsync(TimeSpan.FromSeconds(options.Value.PollSeconds), stoppingToken);
    }

    private async Task PollAsync(TimeSpan period, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(period, time);
        while (await timer.WaitForNextTickAsync(stop))
            try
            {
                await lifecycle.RefreshAsync(isStart: false, stop);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                logger.RepositoryNotLookedAt(repository.Path, e);
            }
    }
}
