using System.Numerics;
using FlowService.Batching;

namespace FlowService.Telemetry;

/// <summary>
/// What has become of the requests to one version of a model since it was loaded, by what they compute: logprob and encode together,
/// sample, decode. For those who ask the service itself; Prometheus has its own counters.
/// </summary>
internal sealed class ModelStatistics(TimeProvider time)
{
    // Clients make batches of any size, and must not make as many entries.
    private const int MostExactRows = 1024;

    private readonly Lock recording = new();
    private readonly Counts[] counts = [new(), new(), new()];

    /// <summary>A batch was computed, and handed out; its callers are not told yet.</summary>
    public void Executed(Batch batch, StepTimes steps)
    {
        Span<int> rows = stackalloc int[counts.Length];
        lock (recording)
        {
            foreach (Slice slice in batch.Slices)
            {
                slice.Item.Steps += steps;
                rows[IndexOf(slice.Item.Operation)] += slice.Rows;
            }
            for (int i = 0; i < rows.Length; i++)
                if (rows[i] > 0)
                    counts[i].Executed(Rounded(rows[i]), steps);
        }
    }

    /// <summary>A request was answered.</summary>
    public void Succeeded(WorkItem item, long began)
    {
        lock (recording)
            counts[IndexOf(item.Operation)].Succeeded(item, time.GetElapsedTime(began), time.GetUtcNow());
    }

    /// <summary>A request was answered with what had been computed before.</summary>
    public void Remembered(WorkItem item, long began)
    {
        lock (recording)
            counts[IndexOf(item.Operation)].Remembered(time.GetElapsedTime(began), time.GetUtcNow());
    }

    /// <summary>A request was answered that the cache had been asked for in vain; looking and keeping took this long.</summary>
    public void Kept(WorkItem item, TimeSpan took)
    {
        lock (recording)
            counts[IndexOf(item.Operation)].Kept(took);
    }

    /// <summary>A request was refused by the queue, was given up, or its computation failed.</summary>
    public void Failed(WorkItem item, long began)
    {
        lock (recording)
            counts[IndexOf(item.Operation)].Failed(time.GetElapsedTime(began));
    }

    /// <summary>The counts so far of what an operation computes.</summary>
    public OperationStatistics Of(Operation operation)
    {
        lock (recording)
            return counts[IndexOf(operation)].Snapshot();
    }

    private static int Rounded(int rows) => rows <= MostExactRows ? rows : (int)BitOperations.RoundUpToPowerOf2((uint)rows);

    private static int IndexOf(Operation operation) => operation switch
    {
        Operation.LogProb or Operation.Encode => 0,
        Operation.Sample => 1,
        _ => 2,
    };

    private sealed class Counts
    {
        private readonly Dictionary<int, BatchStatistics> batches = [];
        private long rows;
        private DateTimeOffset? last;
        private TimeSpan queue;
        private StepTimes steps;
        private Duration success, failure, cacheHit, cacheMiss;

        public void Executed(int batchRows, StepTimes took) =>
            batches[batchRows] = batches.TryGetValue(batchRows, out BatchStatistics known) ? known.With(took) : new(batchRows, 1, took);

        public void Succeeded(WorkItem item, TimeSpan took, DateTimeOffset now)
        {
            rows += item.Input.Count;
            (queue, steps, success, last) = (queue + item.Waited, steps + item.Steps, success.With(took), now);
        }

        public void Remembered(TimeSpan took, DateTimeOffset now) => (success, cacheHit, last) = (success.With(took), cacheHit.With(took), now);

        public void Kept(TimeSpan took) => cacheMiss = cacheMiss.With(took);

        public void Failed(TimeSpan took) => failure = failure.With(took);

        public OperationStatistics Snapshot() => new(rows, last, success, failure, cacheHit, cacheMiss, queue, steps, [.. batches.Values.OrderBy(batch => batch.Rows)]);
    }
}
