using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Shadow;

/// <summary>Reads the files of promotions again as often as the repository: replicas that share the folder serve the same version within seconds.</summary>
internal sealed class PromotionWatcher(ShadowJudge judge, IOptions<ModelsOptions> options, TimeProvider time) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.PollSeconds <= 0)
            return;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.PollSeconds), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            judge.ReadPromotions();
    }
}
