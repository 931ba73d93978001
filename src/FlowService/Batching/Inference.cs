using FlowService.Errors;
using FlowService.Wire;
using Microsoft.Extensions.Options;

namespace FlowService.Batching;

/// <summary>Takes a request's rows to the device of its model, and waits for them: the whole way between the two threads.</summary>
internal sealed class Inference(IOptions<BatchingOptions> options, RowPool pool, TimeProvider time)
{
    private readonly BatchingOptions limits = options.Value;

    /// <summary>Computes the item's results.</summary>
    /// <exception cref="RequestException">429 where the queue is full, 503 where it is closed, 504 where the deadline passed.</exception>
    public async Task RunAsync(WorkItem item, TimeSpan timeout, CancellationToken callerGone)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        Admit(item);
        using (callerGone.UnsafeRegister(static (item, token) => ((WorkItem)item!).TryGiveUp(new OperationCanceledException(token)), item))
        using (deadline.Token.UnsafeRegister(static item => ((WorkItem)item!).TryGiveUp(DeadlinePassed()), item))
            await item.Completion;
    }

    /// <summary>The time that a request may take: what it asks for, or the default.</summary>
    public TimeSpan Timeout(int? milliseconds)
    {
        if (milliseconds is not { } asked)
            return TimeSpan.FromSeconds(limits.DeadlineSeconds);
        double most = limits.MaxDeadlineSeconds * 1000;
        return asked >= 1 && asked <= most
            ? TimeSpan.FromMilliseconds(asked)
            : throw new RequestException(ProblemKind.InvalidArgument, $"timeout_ms must lie in 1..{most:0}; it is {asked}") { Field = "timeout_ms" };
    }

    /// <summary>Noise is drawn after the places are taken: a request that is refused costs nothing.</summary>
    private void Admit(WorkItem item)
    {
        BatchQueue queue = item.Model.Queue;
        if (!queue.TryAdmit(item.Input.Count))
            throw Full(item);
        try
        {
            if (item.Operation == Operation.Sample)
                item.Input.DrawNoise(item.Model.Engine, pool);
            item.Queued = time.GetTimestamp();
            if (!queue.TryEnqueue(item))
                throw queue.IsClosed ? Closed() : Full(item);
        }
        catch
        {
            queue.Release(item.Input.Count);
            throw;
        }
    }

    private static RequestException Full(WorkItem item) => new(ProblemKind.QueueFull,
        $"{item.Model.Queue.Rows} rows wait for device {item.Model.Queue.Device} already, and {item.Input.Count} more are too many (Batching:QueueRows); try again soon")
    { RetryAfter = 1 };

    private static RequestException Closed() =>
        new(ProblemKind.NotReady, "the service is shutting down; try another instance, or this one after its restart") { RetryAfter = 5 };

    private static RequestException DeadlinePassed() =>
        new(ProblemKind.DeadlinePassed, "the answer was not ready in time; raise timeout_ms, send fewer rows, or try again when the service is less busy");
}
