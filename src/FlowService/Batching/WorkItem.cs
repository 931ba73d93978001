using FlowService.Models;
using FlowService.Wire;

namespace FlowService.Batching;

/// <summary>
/// One request's rows on their way through a device. The request's thread owns the item and its buffers; between
/// <see cref="TryBegin"/> and <see cref="EndSlice"/> the device's thread uses them, and never after <see cref="Completion"/>.
/// </summary>
internal sealed class WorkItem(ServedModel model, Operation operation, WorkRows rows, RowPool pool) : QueueEntry, IDisposable
{
    private const int Waiting = 0, Running = 1, Done = 2;

    // A caller's continuation must not run on the device's thread.
    private readonly TaskCompletionSource completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int state;
    private Exception? stop;

    public ServedModel Model => model;

    public Operation Operation => operation;

    public Direction Direction => operation.Direction();

    public WorkRows Input => rows;

    public WorkResults Results { get; } = new(model, operation, rows, pool);

    /// <summary>The rows that some batch has computed or is computing.</summary>
    public int Taken { get; private set; }

    public int Remaining => rows.Count - Taken;

    /// <summary>The time at which it was queued, as the clock's timestamp.</summary>
    public long Queued { get; set; }

    /// <summary>Done, failed or given up: from here on the device's thread does not touch the item.</summary>
    public Task Completion => completion.Task;

    /// <summary>Claims the item for a batch; false where its caller gave up.</summary>
    public bool TryBegin() => Interlocked.CompareExchange(ref state, Running, Waiting) == Waiting;

    /// <summary>Takes up to <paramref name="most"/> of the remaining rows.</summary>
    public Slice Take(int most)
    {
        var slice = new Slice(this, Taken, Math.Min(most, Remaining));
        Taken += slice.Rows;
        return slice;
    }

    /// <summary>A slice is computed: completes the item, or puts it back to waiting. True where rows are left to compute.</summary>
    public bool EndSlice()
    {
        if (Remaining == 0)
        {
            Volatile.Write(ref state, Done);
            completion.TrySetResult();
            return false;
        }
        Interlocked.Exchange(ref state, Waiting);
        // A caller who gave up during the slice found it running and left word.
        return Volatile.Read(ref stop) is not { } reason || !TryGiveUp(reason);
    }

    /// <summary>The computation failed. Does nothing to an item that is done.</summary>
    public void Fail(Exception reason)
    {
        if (Interlocked.Exchange(ref state, Done) == Done)
            return;
        model.Queue.Release(Remaining);
        completion.TrySetException(reason);
    }

    /// <summary>The caller is gone or the deadline passed: at once while the item waits, else after the running slice.</summary>
    public bool TryGiveUp(Exception reason)
    {
        Interlocked.CompareExchange(ref stop, reason, null);
        if (Interlocked.CompareExchange(ref state, Done, Waiting) != Waiting)
            return false;
        model.Queue.Release(Remaining);
        completion.TrySetException(reason);
        return true;
    }

    public void Dispose()
    {
        rows.Dispose();
        Results.Dispose();
    }
}

/// <summary>A part of a request in one batch: <see cref="Rows"/> rows from <see cref="First"/> on.</summary>
internal readonly record struct Slice(WorkItem Item, int First, int Rows);
