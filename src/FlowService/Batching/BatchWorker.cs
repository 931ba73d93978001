using FlowCore.Engines;
using FlowService.Models;
using FlowService.Telemetry;

namespace FlowService.Batching;

/// <summary>
/// The threads of a model: one more than it has engines, so that one gathers while the others compute. Each takes a batch all the
/// way, and a lone request costs one wake-up; where the next batch stands ready, the one that has computed exchanges its own for
/// it. Nothing that a batch does ends a thread.
/// </summary>
internal sealed class BatchWorker(ServedModel model, BatchQueue queue, FlowMetrics metrics, TimeProvider time, ILogger logger)
{
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int running;

    /// <summary>Completes when the queue was closed, all work is done, and the engines are disposed of.</summary>
    public Task Ended => ended.Task;

    /// <summary>False where something failed in the last batch: ask the model for a row to know whether it lives.</summary>
    public bool LastBatchSucceeded { get; private set; } = true;

    public void Start()
    {
        running = model.Engines.Length + 1;
        for (int i = 0; i < model.Engines.Length + 1; i++)
            new Thread(Loop) { Name = $"batches of {model.Name} {model.Version}", IsBackground = true }.Start();
    }

    private void Loop()
    {
        var batch = new Batch(new BatchBuffers(model.Engine.Width, model.Engine.NoiseWidth, model.Engine.ContextWidth));
        while (Turn(ref batch))
        {
        }
        if (Interlocked.Decrement(ref running) > 0)
            return;
        foreach (FlowEngine<float> engine in model.Engines)
            engine.Dispose();
        model.Layers?.Dispose();
        ended.SetResult();
    }

    private bool Turn(ref Batch batch)
    {
        try
        {
            FlowEngine<float>? engine = queue.Gather(ref batch);
            while (engine is not null)
                engine = Compute(engine, ref batch);
            if (batch.Steps is not { } steps)
                return false;
            long began = time.GetTimestamp();
            batch.HandOut();
            model.Statistics.Executed(batch, steps with { Output = time.GetElapsedTime(began) });
            FlowTracing.Computed(model, batch, batch.Began, time);
            queue.End(batch);
        }
        catch (Exception e)
        {
            logger.TurnFailed(model.Name, model.Version, e);
            queue.End(batch, e);
        }
        return true;
    }

    /// <summary>Computes a batch, and takes the next one in exchange where it stands ready; else the result is null.</summary>
    private FlowEngine<float>? Compute(FlowEngine<float> engine, ref Batch batch)
    {
        long began = batch.Began = time.GetTimestamp();
        try
        {
            foreach (Slice slice in batch.Slices)
                if (slice.First == 0)
                    metrics.Dequeued(slice.Item, slice.Item.Waited = time.GetElapsedTime(slice.Item.Queued, began));
            batch.Seal();
            TimeSpan copied = time.GetElapsedTime(began);
            LastBatchSucceeded = Try(engine, batch, 0, batch.Rows);
            TimeSpan took = time.GetElapsedTime(began);
            if (LastBatchSucceeded)
                queue.Cost.Seen(batch.Line!.Direction, batch.Rows, took - copied);
            batch.Steps = new(copied, took - copied, TimeSpan.Zero);
            metrics.BatchRun(model, batch.Line!.Direction, batch.Rows, took);
            return queue.Return(engine, ref batch, took);
        }
        catch
        {
            queue.Return(engine);
            throw;
        }
    }

    /// <summary>
    /// Computes some rows; where that fails, in two parts, until the guilty callers are alone. Where memory is out, any rows are cut
    /// in two, and the queue's batches become smaller.
    /// </summary>
    private bool Try(FlowEngine<float> engine, Batch batch, int from, int to)
    {
        try
        {
            batch.Compute(engine, from, to);
            return true;
        }
        catch (Exception e)
        {
            bool memory = OutOfMemory.Is(e);
            metrics.BatchFailed(model, batch.Line!.Direction, memory ? "out_of_memory" : "fault");
            if (memory)
                logger.OutOfMemory(model.Name, model.Version, to - from, queue.Halve(to - from));
            int middle = memory ? (from + to) / 2 : batch.Middle(from, to);
            if (middle == from)
            {
                batch.Fail(from, to, e);
                return false;
            }
            if (!memory)
                logger.BatchFailed(model.Name, model.Version, to - from, e);
            return Try(engine, batch, from, middle) & Try(engine, batch, middle, to);
        }
    }
}
