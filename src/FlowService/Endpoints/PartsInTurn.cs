using FlowService.Errors;

namespace FlowService.Endpoints;

/// <summary>
/// How the parts of a stream come by places in the queue: the first is refused where there are none; later ones, to whose request an
/// answer has begun, wait for places and for their key's quota.
/// </summary>
internal static class PartsInTurn
{
    private static readonly TimeSpan PauseWhereFull = TimeSpan.FromMilliseconds(20);

    public static async Task<T> RunAsync<T>(Func<Task<T>> compute, bool isFirst, CancellationToken stop)
    {
        while (true)
            try
            {
                return await compute();
            }
            catch (RequestException e) when (!isFirst && (e.Kind == ProblemKind.QueueFull || e.Kind == ProblemKind.QuotaSpent))
            {
                await Task.Delay(PauseWhereFull, stop);
            }
    }
}
