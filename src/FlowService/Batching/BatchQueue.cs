using System.Threading.Channels;

namespace FlowService.Batching;

/// <summary>What waits for one device: bounded in rows, and it says no at once.</summary>
internal sealed class BatchQueue(string device, int rowLimit)
{
    // Only the device's thread waits on the channel, blocked: a writer may wake it without a detour over the pool.
    private readonly Channel<QueueEntry> entries = Channel.CreateBounded<QueueEntry>(
        new BoundedChannelOptions(rowLimit) { SingleReader = true, AllowSynchronousContinuations = true });

    private long rows;
    private volatile bool closed;

    public string Device => device;

    /// <summary>The rows that wait.</summary>
    public long Rows => Interlocked.Read(ref rows);

    /// <summary>Takes places for rows; false where they are not free.</summary>
    public bool TryAdmit(int count)
    {
        if (Interlocked.Add(ref rows, count) <= rowLimit)
            return true;
        Release(count);
        return false;
    }

    /// <summary>Gives places back: their rows are computed now, or given up.</summary>
    public void Release(int count) => Interlocked.Add(ref rows, -count);

    /// <summary>Queues what was admitted; false where the queue is closed, or full of items that were given up.</summary>
    public bool TryEnqueue(QueueEntry entry) => entries.Writer.TryWrite(entry);

    /// <summary>Ends the queue: what is in it will still be computed.</summary>
    public void Close()
    {
        closed = true;
        entries.Writer.TryComplete();
    }

    public bool IsClosed => closed;

    public bool TryRead(out QueueEntry? entry) => entries.Reader.TryRead(out entry);

    /// <summary>Blocks the device's thread until there is an entry; false when the queue has ended.</summary>
    public bool WaitToRead()
    {
        ValueTask<bool> wait = entries.Reader.WaitToReadAsync();
        return wait.IsCompleted ? wait.Result : wait.AsTask().GetAwaiter().GetResult();
    }
}
