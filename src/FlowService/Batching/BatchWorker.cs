using FlowService.Errors;
using FlowService.Models;
using FlowService.Telemetry;

namespace FlowService.Batching;

/// <summary>
/// One device's thread: takes what has gathered, computes it as one batch, completes each caller. No timer: a lone request leaves
/// at once, and batches grow by themselves while the device is busy. Nothing that a batch does ends the loop.
/// </summary>
internal sealed class BatchWorker(BatchQueue queue, int batchRows, FlowMetrics metrics, TimeProvider time, ILogger logger)
{
    private readonly Backlog backlog = new();
    private readonly Batch batch = new();
    private readonly BatchBuffers buffers = new();
    private readonly List<WorkItem> unfinished = [];
    private readonly List<ServedModel> leaving = [];
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the queue was closed and all work is done.</summary>
    public Task Ended => ended.Task;

    public void Start() => new Thread(Loop) { Name = $"batches on {queue.Device}", IsBackground = true }.Start();

    private void Loop()
    {
        try
        {
            while (!backlog.IsEmpty || queue.WaitToRead())
                Turn();
        }
        finally
        {
            logger.DeviceStopped(queue.Device);
            ended.SetResult();
        }
    }

    private void Turn()
    {
        try
        {
            Arrivals();
            if (backlog.IsEmpty)
                return;
            Lane lane = backlog.Gather(batch, batchRows);
            if (batch.Rows > 0)
                Run(lane);
        }
        catch (Exception e)
        {
            logger.TurnFailed(queue.Device, e);
            foreach (Slice slice in batch.Slices())
                slice.Item.Fail(e);
        }
        finally
        {
            batch.Clear();
            // New arrivals stand before the rest of a large request, so that they wait for one batch of it, not for all.
            Arrivals();
            foreach (WorkItem item in unfinished)
                backlog.Return(item, batchRows);
            unfinished.Clear();
            Dismiss();
        }
    }

    private void Arrivals()
    {
        while (queue.TryRead(out QueueEntry? entry))
            if (entry is Retirement { Model: var model })
                leaving.Add(model);
            else if (entry is WorkItem item && !leaving.Contains(item.Model) && !item.Model.IsDisposed)
                backlog.Add(item);
            else if (entry is WorkItem late)
                late.TryGiveUp(new RequestException(ProblemKind.NotReady, $"model '{late.Model.Name}' version {late.Model.Version} was unloaded") { RetryAfter = 1 });
    }

    private void Run(Lane lane)
    {
        ReadOnlySpan<Slice> slices = batch.Slices();
        long now = time.GetTimestamp();
        foreach (Slice slice in slices)
            if (slice.First == 0)
                metrics.Dequeued(slice.Item, time.GetElapsedTime(slice.Item.Queued, now));
        Compute(lane, slices);
    }

    /// <summary>Computes slices together; where that fails, each alone, so that only the guilty caller gets the error.</summary>
    private void Compute(Lane lane, ReadOnlySpan<Slice> slices)
    {
        long began = time.GetTimestamp();
        int rows;
        try
        {
            rows = buffers.Compute(lane.Model.Engine, lane.Direction, slices);
        }
        catch (Exception e) when (slices.Length > 1)
        {
            logger.BatchFailed(lane.Model.Name, lane.Model.Version, slices.Length, e);
            for (int i = 0; i < slices.Length; i++)
                Compute(lane, slices.Slice(i, 1));
            return;
        }
        catch (Exception e)
        {
            slices[0].Item.Fail(e);
            return;
        }
        metrics.BatchRun(lane.Model, lane.Direction, rows, time.GetElapsedTime(began));
        foreach (Slice slice in slices)
            if (slice.Item.EndSlice())
                unfinished.Add(slice.Item);
    }

    private void Dismiss()
    {
        for (int i = leaving.Count - 1; i >= 0; i--)
            if (backlog.TryForget(leaving[i]))
            {
                leaving[i].Dispose();
                leaving.RemoveAt(i);
            }
    }
}
