using FlowCore.Engines;

namespace FlowService.Batching;

/// <summary>
/// What waits for one version of a model, and its engines. It is bounded in rows, and says no at once. One thread gathers the next
/// batch while the others compute; the batch grows until an engine is free, and leaves at once where one is.
/// </summary>
internal sealed class BatchQueue(BatchingOptions options, FlowEngine<float>[] engines, RowCost cost, TimeProvider time)
{
    private const int LongestRetrySeconds = 60;

    private readonly Lock gathering = new();
    private readonly object gate = new(); // a Monitor, for its Wait and Pulse
    private readonly WaitingLines lines = new();
    private readonly Stack<FlowEngine<float>> idle = new(engines);
    private readonly Throughput throughput = new(engines.Length);
    private int batchRows = options.BatchRows;
    private long rows, queued;
    private bool closed;

    // The batch of the thread that gathers and sleeps, and one that it shall hand out in its place.
    private Batch? gathered, computed;

    public BatchingOptions Options => options;

    /// <summary>What a row costs at least.</summary>
    public RowCost Cost => cost;

    /// <summary>The most rows in a batch: what is configured, or what the device's memory has proved to hold.</summary>
    public int BatchRows => Volatile.Read(ref batchRows);

    /// <summary>The rows that wait.</summary>
    public long Rows => Interlocked.Read(ref rows);

    /// <summary>Those of them that a batch may take: the others have their places, and their request is not queued yet.</summary>
    public long QueuedRows => Interlocked.Read(ref queued);

    public bool IsClosed => Volatile.Read(ref closed);

    /// <summary>Whether places for so many rows are free at this moment.</summary>
    public bool HasRoom(int count) => Rows + count <= options.QueueRows;

    /// <summary>Takes places for rows; false where they are not free.</summary>
    public bool TryAdmit(int count)
    {
        if (Interlocked.Add(ref rows, count) <= options.QueueRows)
            return true;
        Release(count);
        return false;
    }

    /// <summary>Gives places back that were taken, and not used.</summary>
    public void Release(int count) => Interlocked.Add(ref rows, -count);

    /// <summary>
    /// The seconds until places for so many rows are free, at the rate of the last batches, and up to half as many more by chance: clients who are
    /// refused together shall not come back together.
    /// </summary>
    public int RetryAfter(int count)
    {
        lock (gate)
        {
            double seconds = throughput.RowsPerSecond > 0 ? (Rows + count - options.QueueRows) / throughput.RowsPerSecond : 0;
            int least = (int)Math.Clamp(Math.Ceiling(seconds), 1, LongestRetrySeconds);
            return least + Random.Shared.Next(Math.Max(2, least / 2 + 1));
        }
    }

    /// <summary>Queues what was admitted; false where the queue is closed.</summary>
    public bool TryEnqueue(WorkItem item)
    {
        lock (gate)
        {
            if (closed)
                return false;
            lines.Add(item, batchRows);
            queued += item.Input.Count;
            Monitor.PulseAll(gate);
            return true;
        }
    }

    /// <summary>The caller is gone, or its deadline has passed: nothing more of the item is computed. The rows that were saved.</summary>
    public int Stop(WorkItem item, Exception reason)
    {
        lock (gate)
        {
            if (item.IsStopped || item.Completion.IsCompleted)
                return 0;
            int saved = item.Waiting;
            Fail(item, reason);
            Monitor.PulseAll(gate); // a batch that holds it, and waits for an engine, shall let it go
            return saved;
        }
    }

    /// <summary>Ends the queue: what is in it will still be computed.</summary>
    public void Close()
    {
        lock (gate)
        {
            closed = true;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>
    /// Blocks until a batch is gathered and an engine is free for it. Null when another thread has taken that batch over, and left
    /// the one that it has computed; or when the queue has ended.
    /// </summary>
    public FlowEngine<float>? Gather(ref Batch batch)
    {
        lock (gathering)
            while (true)
            {
                lock (gate)
                    while (!Grow(batch))
                    {
                        double wait = batch.Rows > 0 && idle.Count > 0 ? MillisecondsLeft(batch) : Timeout.Infinite;
                        if (wait == 0)
                            return Begin(batch);
                        if (closed && batch.Rows == 0)
                            return null;
                        gathered = batch;
                        Monitor.Wait(gate, (int)wait); // 0 below a millisecond: it only lets callers in
                        gathered = null;
                        if (computed is null)
                            continue;
                        (batch, computed) = (computed, null);
                        return null;
                    }
                batch.Stage(); // not under the lock: callers go on queueing
            }
    }

    /// <summary>
    /// A batch is computed. Where the next one stands ready, the thread takes it in exchange and goes on with the engine, at once and
    /// with warm caches; the thread that has gathered it hands the computed one out. Else the engine is free, and this returns null.
    /// </summary>
    public FlowEngine<float>? Return(FlowEngine<float> engine, ref Batch batch, TimeSpan took)
    {
        lock (gate)
        {
            idle.Push(engine);
            throughput.Add(batch.Rows, took);
            for (int i = 0; i < batch.Slices.Length; i++)
                if (batch.Failure(i) is { } failure)
                    Fail(batch.Slices[i].Item, failure); // before a further slice of it begins
            Monitor.PulseAll(gate);
            if (gathered is not { } next || computed is not null)
                return null;
            Grow(next);
            if (next.Rows == 0 || MillisecondsLeft(next) > 0)
                return null;
            (batch, computed) = (next, batch);
            return Begin(next);
        }
    }

    /// <summary>The engine is free again, though its batch has failed as a whole.</summary>
    public void Return(FlowEngine<float> engine)
    {
        lock (gate)
        {
            idle.Push(engine);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>The results are in place: completes each caller whose rows are all computed, or who has failed; all of them where the batch has.</summary>
    public void End(Batch batch, Exception? fault = null)
    {
        lock (gate)
        {
            for (int i = 0; i < batch.Slices.Length; i++)
            {
                WorkItem item = batch.Slices[i].Item;
                if (fault is not null)
                    Fail(item, fault);
                item.End();
            }
            batch.Clear();
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>So many rows were more than the memory holds: batches stay smaller from now on.</summary>
    public int Halve(int failedRows)
    {
        lock (gate)
            return batchRows = Math.Min(batchRows, Math.Max(1, failedRows / 2));
    }

    private void Fail(WorkItem item, Exception reason)
    {
        if (item.IsStopped)
            return;
        Leave(item.Waiting);
        item.Stop(reason);
    }

    // Rows that were queued wait no longer: they are computed, or given up.
    private void Leave(int count)
    {
        queued -= count;
        Release(count);
    }

    private bool Grow(Batch batch)
    {
        batch.PutBackIfStopped();
        return lines.Fill(batch, batchRows);
    }

    private FlowEngine<float> Begin(Batch batch)
    {
        foreach (Slice slice in batch.Slices)
            slice.Item.Begin(slice);
        Leave(batch.Rows);
        lines.Begun(batch.Line!, batch.Rest, batchRows);
        return idle.Pop();
    }

    private double MillisecondsLeft(Batch batch) => options.DelayMicroseconds == 0 || batch.Rows >= batchRows || closed
        ? 0
        : Math.Max(0, options.DelayMicroseconds / 1000.0 - time.GetElapsedTime(batch.Oldest).TotalMilliseconds);
}
