using System.Diagnostics;
using FlowRows.Buffers;
using FlowService.Models;
using FlowService.Telemetry;

namespace FlowService.Batching;

/// <summary>
/// One request's rows on their way through a model's queue. The request's thread owns the item and its buffers; while slices of
/// it are in batches the model's threads use them, and never after <see cref="Completion"/>. What changes here changes under the
/// queue's lock.
/// </summary>
/// <param name="model">The model that it is for.</param>
/// <param name="operation">What is computed.</param>
/// <param name="rows">Of which rows.</param>
/// <param name="pool">Where the results' buffers come from.</param>
/// <param name="keepsValues">False where only the rows' densities are wanted: then no copy of what they are mapped to is made.</param>
/// <param name="job">What is done in the place of rows, where it is a block of sound; it keeps its results itself.</param>
internal sealed class WorkItem(ServedModel model, Operation operation, WorkRows rows, RowPool pool, bool keepsValues = true, Action? job = null) : IDisposable
{
    // A caller's continuation must not run on a model's thread.
    private readonly TaskCompletionSource completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? stop;
    private int slices, taken, begun;

    public ServedModel Model => model;

    public Operation Operation => operation;

    public Direction Direction => job is null ? operation.Direction() : Direction.Sound;

    /// <summary>What is done in the place of rows; null where these are computed.</summary>
    public Action? Job => job;

    public Priority Priority { get; init; }

    public WorkRows Input => rows;

    // What is cached serves whoever asks for the same rows, and for more of them.
    public WorkResults Results { get; } = job is null ? new(model, operation, rows, pool, keepsValues || model.IsCached) : new(pool);

    /// <summary>The time at which it was queued, as the clock's timestamp.</summary>
    public long Queued { get; set; }

    /// <summary>From its entry into the queue to its first batch.</summary>
    public TimeSpan Waited { get; set; }

    /// <summary>The time that its batches took, step by step.</summary>
    public StepTimes Steps { get; set; }

    /// <summary>The span of its request where that is traced.</summary>
    public ActivityContext Trace { get; set; }

    /// <summary>The span of the last batch that a part of it was in.</summary>
    public ActivityContext Batch { get; set; }

    /// <summary>Done, failed or given up: from here on no thread of the model touches the item.</summary>
    public Task Completion => completion.Task;

    /// <summary>The rows that no batch has taken.</summary>
    public int Remaining => rows.Count - taken;

    /// <summary>The rows of which no computation has begun.</summary>
    public int Waiting => rows.Count - begun;

    /// <summary>Its caller is gone, its deadline has passed, or a part of it failed: nothing more of it is computed.</summary>
    public bool IsStopped => stop is not null;

    /// <summary>Takes up to <paramref name="most"/> of the remaining rows for a batch.</summary>
    public Slice Take(int most)
    {
        var slice = new Slice(this, taken, Math.Min(most, Remaining));
        taken += slice.Rows;
        slices++;
        return slice;
    }

    /// <summary>Takes back the slice that was taken last.</summary>
    public void Return(Slice slice)
    {
        taken = slice.First;
        slices--;
        CompleteStopped();
    }

    /// <summary>The computation of a slice begins.</summary>
    public void Begin(Slice slice) => begun += slice.Rows;

    /// <summary>A slice is computed, and its results are in place; or it failed.</summary>
    public void End()
    {
        slices--;
        if (IsStopped)
            CompleteStopped();
        else if (slices == 0 && Remaining == 0)
            completion.TrySetResult();
    }

    /// <summary>Nothing more of it is computed. It completes now, or where a batch has a part of it, with that batch.</summary>
    public void Stop(Exception reason)
    {
        stop ??= reason;
        CompleteStopped();
    }

    private void CompleteStopped()
    {
        if (stop is { } reason && slices == 0)
            completion.TrySetException(reason);
    }

    public void Dispose()
    {
        rows.Dispose();
        Results.Dispose();
    }
}

/// <summary>A part of a request in one batch: <see cref="Rows"/> rows from <see cref="First"/> on.</summary>
internal readonly record struct Slice(WorkItem Item, int First, int Rows);
