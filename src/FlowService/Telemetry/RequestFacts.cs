using System.Diagnostics;
using FlowService.Batching;
using FlowService.Models;

namespace FlowService.Telemetry;

/// <summary>
/// What is known of a request so far: its operation by the route, its model once that is found, and when it reached which stage. A model
/// that does not exist is not a label: clients must not be able to make new ones.
/// </summary>
internal sealed class RequestFacts(Operation operation, TimeProvider time)
{
    // A stream has any number of parts; a trace shows the first of them.
    private const int MostTraced = 32;

    private readonly Lock recording = new();
    private readonly long began = time.GetTimestamp();
    private readonly Activity? activity = FlowTracing.Source.HasListeners() && Activity.Current is { Recorded: true } current ? current : null;
    private List<TracedWork>? traced;
    private TimeSpan queue, compute;
    private long rows, firstQueued, computed;

    /// <summary>By the route, or where that says too little, by what the request names.</summary>
    public Operation Operation { get; set; } = operation;

    public ServedModel? Model { get; set; }

    /// <summary>The rows that were sent to be computed.</summary>
    public long Rows => Interlocked.Read(ref rows);

    /// <summary>Why the request was refused or given up, in one of a few words.</summary>
    public string? Reason { get; set; }

    /// <summary>The clock's timestamp at which the request was taken.</summary>
    public long Began => began;

    /// <summary>The request's span where it is traced, else null.</summary>
    public Activity? Activity => activity;

    /// <summary>The works whose stages a trace shows.</summary>
    public IReadOnlyList<TracedWork> Traced => traced ?? [];

    /// <summary>Counts rows, of a whole request or of a part that is computed beside others.</summary>
    public void Add(int count) => Interlocked.Add(ref rows, count);

    /// <summary>A request, or a part of a stream, is computed: its results are there.</summary>
    public void Computed(WorkItem item) => Computed(item.Queued, item.Waited, item.Batch);

    /// <summary>The same of rows that were computed beside the queue.</summary>
    /// <param name="queued">The timestamp from which they waited; 0 where they did not.</param>
    /// <param name="waited">How long they did.</param>
    /// <param name="batch">The batch that they were last in.</param>
    public void Computed(long queued, TimeSpan waited, ActivityContext batch = default)
    {
        long now = time.GetTimestamp();
        lock (recording)
        {
            computed = now;
            long entered = queued == 0 ? now : queued; // an answer of the cache was never queued
            if (firstQueued == 0)
                firstQueued = entered;
            queue += waited;
            compute += time.GetElapsedTime(entered, now) - waited;
            if (activity is not null && (traced ??= []).Count < MostTraced)
                traced.Add(new(entered, waited, now, batch));
        }
    }

    /// <summary>What the stages have taken up to now.</summary>
    public RequestTimes Times()
    {
        long now = time.GetTimestamp();
        lock (recording)
            return firstQueued == 0
                ? new(time.GetElapsedTime(began, now), TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, IsComputed: false)
                : new(time.GetElapsedTime(began, firstQueued), queue, compute, time.GetElapsedTime(computed, now), IsComputed: true);
    }

    public TagList Labels() => new()
    {
        { "model", Model?.Name ?? "" },
        { "version", Model?.VersionLabel.Value ?? "" },
        { "operation", Operation.Name() },
    };
}

/// <summary>A request, or a part of a stream, that was computed: the timestamps of its entry into the queue and of its results, and the batch that it was last in.</summary>
internal readonly record struct TracedWork(long Queued, TimeSpan Waited, long Computed, ActivityContext Batch);
