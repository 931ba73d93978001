using System.Diagnostics;
using System.Diagnostics.Metrics;
using FlowService.Batching;
using FlowService.Models;

namespace FlowService.Telemetry;

/// <summary>
/// What an operator sees. Labels are model, version and operation, and a bounded reason or outcome: never what a client sends. A
/// batch's operation is its direction, forward or inverse, for it may carry two operations.
/// </summary>
internal sealed class FlowMetrics
{
    public const string MeterName = "FlowService";

    // 100 microseconds to about 50 seconds, and 1 to 65536 rows, in powers of two.
    private static readonly double[] SecondBuckets = [.. Enumerable.Range(0, 20).Select(i => 1e-4 * Math.Pow(2, i))];
    private static readonly int[] RowBuckets = [.. Enumerable.Range(0, 17).Select(i => 1 << i)];

    private readonly Meter meter;
    private readonly Counter<long> requests, rows, batches, rejections;
    private readonly Histogram<int> batchRows;
    private readonly Histogram<double> requestSeconds, queueSeconds, computeSeconds;

    public FlowMetrics(IMeterFactory factory)
    {
        meter = factory.Create(MeterName);
        requests = meter.CreateCounter<long>("flowservice.requests", "{request}", "Answered requests, by outcome (2xx, 4xx, 5xx, aborted).");
        rows = meter.CreateCounter<long>("flowservice.rows", "{row}", "Rows of requests that were answered with 2xx.");
        batches = meter.CreateCounter<long>("flowservice.batches", "{batch}", "Batches that a device computed.");
        rejections = meter.CreateCounter<long>("flowservice.rejections", "{request}", "Requests that were refused or given up, by reason.");
        batchRows = meter.CreateHistogram("flowservice.batch.rows", "{row}", "Rows in one batch.", advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = RowBuckets });
        requestSeconds = Seconds("flowservice.request.duration", "From the first byte of a request to the last one of its answer.");
        queueSeconds = Seconds("flowservice.queue.duration", "From a request's entry into the queue to its first batch.");
        computeSeconds = Seconds("flowservice.compute.duration", "One batch on its device, copies included.");
        meter.CreateObservableGauge("flowservice.tensors.live", () => TorchRuntime.LiveTensors, "{tensor}", "Tensors that live in this process.");
    }

    /// <summary>Shows the rows that wait for a device.</summary>
    public void WatchQueue(Func<long> depth) =>
        meter.CreateObservableGauge("flowservice.queue.depth", depth, "{row}", "Rows that wait for the device.");

    /// <summary>A request has its first batch.</summary>
    public void Dequeued(WorkItem item, TimeSpan waited)
    {
        if (queueSeconds.Enabled)
            queueSeconds.Record(waited.TotalSeconds, item.Model.ModelLabel, item.Model.VersionLabel, new("operation", item.Operation.Name()));
    }

    /// <summary>A batch was computed.</summary>
    public void BatchRun(ServedModel model, Direction direction, int rowCount, TimeSpan duration)
    {
        var operation = new KeyValuePair<string, object?>("operation", direction.Name());
        batches.Add(1, model.ModelLabel, model.VersionLabel, operation);
        batchRows.Record(rowCount, model.ModelLabel, model.VersionLabel, operation);
        computeSeconds.Record(duration.TotalSeconds, model.ModelLabel, model.VersionLabel, operation);
    }

    /// <summary>A request was answered, or its client went away.</summary>
    public void Answered(RequestFacts facts, string outcome, TimeSpan duration)
    {
        TagList labels = facts.Labels();
        if (outcome == "2xx")
            rows.Add(facts.Rows, labels);
        requestSeconds.Record(duration.TotalSeconds, labels);
        labels.Add("outcome", outcome);
        requests.Add(1, labels);
    }

    /// <summary>A request was refused or given up.</summary>
    public void Rejected(RequestFacts facts, string reason)
    {
        TagList labels = facts.Labels();
        labels.Add("reason", reason);
        rejections.Add(1, labels);
    }

    private Histogram<double> Seconds(string name, string description) =>
        meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = SecondBuckets });
}
