using System.Diagnostics;
using FlowService.Batching;
using FlowService.Models;

namespace FlowService.Telemetry;

/// <summary>
/// The spans of a request, read, queue, compute and write, and those of the batches. They are made once everything is known, with the times at which
/// it happened: a request that nobody traces pays for one look at a list of listeners.
/// </summary>
internal static class FlowTracing
{
    public const string SourceName = "FlowService";

    public static readonly ActivitySource Source = new(SourceName);

    /// <summary>The spans of a request that was answered.</summary>
    public static void Answered(RequestFacts facts, TimeProvider time)
    {
        if (facts.Activity is not { } request)
            return;
        var clock = new Clock(time);
        request.SetTag("flow.operation", facts.Operation.Name());
        request.SetTag("flow.rows", facts.Rows);
        if (facts.Model is { } model)
        {
            request.SetTag("flow.model", model.Name);
            request.SetTag("flow.version", model.Version);
        }
        if (facts.Reason is not null)
            request.SetTag("flow.reason", facts.Reason);
        long end = facts.Began, read = facts.Traced.Count > 0 ? facts.Traced[0].Queued : clock.Now;
        Span("read", request.Context, clock, facts.Began, read);
        foreach (TracedWork work in facts.Traced)
        {
            long begun = work.Queued + (long)(work.Waited.TotalSeconds * time.TimestampFrequency);
            Span("queue", request.Context, clock, work.Queued, begun);
            Span("compute", request.Context, clock, begun, end = work.Computed, work.Batch == default ? null : [new(work.Batch)]);
        }
        if (facts.Traced.Count > 0)
            Span("write", request.Context, clock, end, clock.Now);
    }

    /// <summary>
    /// The span of a batch, below the first of its requests that is traced and linked to each of them; and to it theirs will be linked.
    /// </summary>
    public static void Computed(ServedModel model, Batch batch, long began, TimeProvider time)
    {
        if (!Source.HasListeners())
            return;
        var links = new List<ActivityLink>();
        foreach (Slice slice in batch.Slices)
            if (slice.Item.Trace.TraceFlags.HasFlag(ActivityTraceFlags.Recorded))
                links.Add(new(slice.Item.Trace));
        if (links.Count == 0)
            return;
        var clock = new Clock(time);
        using Activity? span = Source.StartActivity(ActivityKind.Internal, links[0].Context, links: links, startTime: clock.At(began), name: "batch");
        if (span is null)
            return;
        span.SetTag("flow.model", model.Name);
        span.SetTag("flow.version", model.Version);
        span.SetTag("flow.batch.direction", batch.Line!.Direction.Name());
        span.SetTag("flow.batch.rows", batch.Rows);
        span.SetTag("flow.batch.requests", batch.Slices.Length);
        span.SetEndTime(clock.At(clock.Now));
        foreach (Slice slice in batch.Slices)
            slice.Item.Batch = span.Context;
    }

    private static void Span(string name, ActivityContext parent, Clock clock, long from, long to, IEnumerable<ActivityLink>? links = null)
    {
        using Activity? span = Source.StartActivity(ActivityKind.Internal, parent, links: links, startTime: clock.At(from), name: name);
        span?.SetEndTime(clock.At(to));
    }

    /// <summary>Timestamps as times of the day.</summary>
    private readonly struct Clock(TimeProvider time)
    {
        private readonly DateTime wall = time.GetUtcNow().UtcDateTime;

        public long Now { get; } = time.GetTimestamp();

        public DateTime At(long timestamp) => wall - time.GetElapsedTime(timestamp, Now);
    }
}
