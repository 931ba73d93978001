using System.Diagnostics;
using System.Globalization;
using FlowRows.Buffers;
using FlowService.Caching;
using FlowService.Errors;
using FlowService.Models;
using FlowService.Telemetry;

namespace FlowService.Batching;

/// <summary>Takes a request's rows through the queue of its model, and waits for them: the whole way between the two threads.</summary>
internal sealed class Inference(RowPool pool, AnswerCache cache, FlowMetrics metrics, TimeProvider time)
{
    /// <summary>Computes the item's results, or finds them where the model's answers are cached.</summary>
    /// <exception cref="RequestException">
    /// 413 (422 for samples) where so many rows cannot be computed within the deadline, 429 where the queue is full, 503 where it is closed, 504 where the deadline passed.
    /// </exception>
    public async Task RunAsync(WorkItem item, TimeSpan timeout, CancellationToken callerGone)
    {
        if (FlowTracing.Source.HasListeners())
            item.Trace = Activity.Current?.Context ?? default;
        if (!item.Model.IsCached || item.Job is not null)
        {
            CheckCost(item, timeout);
            await ComputeAsync(item, timeout, callerGone);
            return;
        }
        long began = time.GetTimestamp();
        AnswerKey key = AnswerKey.Of(item);
        if (cache.TryAnswer(key, item))
        {
            item.Model.Statistics.Remembered(item, began);
            return;
        }
        CheckCost(item, timeout);
        TimeSpan lookedUp = time.GetElapsedTime(began);
        await ComputeAsync(item, timeout, callerGone);
        long computed = time.GetTimestamp();
        cache.Keep(key, item);
        item.Model.Statistics.Kept(item, lookedUp + time.GetElapsedTime(computed));
    }

    /// <summary>The refusal of rows that are still to come, where the queue has no place for them now; else null. What is refused need not be read.</summary>
    public static RequestException? WithoutRoom(ServedModel model, int rows) => model.IsCached || model.Queue.HasRoom(rows) ? null : Full(model, rows);

    /// <summary>Refuses rows that are still to come where the queue has no place for them now.</summary>
    /// <exception cref="RequestException">429 where the queue is full.</exception>
    public static void CheckRoom(ServedModel model, int rows)
    {
        if (WithoutRoom(model, rows) is { } full)
            throw full;
    }

    /// <summary>Takes places among the rows that wait for a model; <see cref="BatchQueue.Release"/> gives them back.</summary>
    /// <exception cref="RequestException">429 where so many are not free.</exception>
    public static void TakePlaces(ServedModel model, int rows)
    {
        if (!model.Queue.TryAdmit(rows))
            throw Full(model, rows);
    }

    /// <summary>Refuses what could not be computed in time by an idle service either: none of it is queued.</summary>
    /// <exception cref="RequestException">413, or 422 for samples.</exception>
    private static void CheckCost(WorkItem item, TimeSpan timeout)
    {
        RowCost cost = item.Model.Queue.Cost;
        TimeSpan least = cost.Of(item.Direction, item.Input.Count);
        if (least <= timeout)
            return;
        bool isSample = item.Operation == Operation.Sample;
        throw new RequestException(isSample ? ProblemKind.InvalidArgument : ProblemKind.TooManyRows, string.Create(CultureInfo.InvariantCulture,
            $"{item.Input.Count} rows of model '{item.Model.Name}' take {least.TotalSeconds:g3} s at least, {1000 * least.TotalSeconds / item.Input.Count:g3} ms each as measured here, and the request may take "
            + $"{timeout.TotalSeconds:g3} s; {(isSample ? "draw" : "send")} at most {cost.RowsWithin(item.Direction, timeout)} at once, or allow more time: up to {item.Model.Queue.Options.MaxDeadlineSeconds:g6} s "
            + $"(Batching:MaxDeadlineSeconds)"));
    }

    /// <summary>Computes the item's results, and remembers nothing of them.</summary>
    /// <exception cref="RequestException">429 where the queue is full, 503 where it is closed, 504 where the deadline passed.</exception>
    public async Task ComputeAsync(WorkItem item, TimeSpan timeout, CancellationToken callerGone)
    {
        callerGone.ThrowIfCancellationRequested();
        long began = time.GetTimestamp();
        try
        {
            await CompleteAsync(item, timeout, callerGone);
            item.Model.Statistics.Succeeded(item, began);
        }
        catch
        {
            item.Model.Statistics.Failed(item, began);
            throw;
        }
    }

    private async Task CompleteAsync(WorkItem item, TimeSpan timeout, CancellationToken callerGone)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        Admit(item);
        using (callerGone.UnsafeRegister((item, token) => Stop((WorkItem)item!, new OperationCanceledException(token), Outcomes.ClientGone), item))
        using (deadline.Token.UnsafeRegister(item => Stop((WorkItem)item!, Deadline.Passed(), "deadline_passed"), item))
            await item.Completion;
    }

    /// <summary>Noise is drawn after the places are taken: a request that is refused costs nothing.</summary>
    private void Admit(WorkItem item)
    {
        BatchQueue queue = item.Model.Queue;
        TakePlaces(item.Model, item.Input.Count);
        try
        {
            if (item.Operation == Operation.Sample && item.Job is null)
                item.Input.DrawNoise(item.Model.Engine, pool);
            item.Queued = time.GetTimestamp();
            if (!queue.TryEnqueue(item))
                throw Closed();
        }
        catch
        {
            queue.Release(item.Input.Count);
            throw;
        }
    }

    private void Stop(WorkItem item, Exception reason, string word)
    {
        if (item.Model.Queue.Stop(item, reason) is > 0 and int saved)
            metrics.Saved(item, saved, word);
    }

    private static RequestException Full(ServedModel model, int rows)
    {
        int seconds = model.Queue.RetryAfter(rows);
        return new(ProblemKind.QueueFull,
            $"{model.Queue.Rows} rows wait for model '{model.Name}' already, and {rows} more are too many (Batching:QueueRows); try again in {seconds} s")
        { RetryAfter = seconds };
    }

    private static RequestException Closed() =>
        new(ProblemKind.NotReady, "the model is being unloaded, or the service is shutting down; try again, or another instance") { RetryAfter = 1 };
}
