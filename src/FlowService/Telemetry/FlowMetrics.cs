using System.Diagnostics;
using System.Diagnostics.Metrics;
using FlowCore;
using FlowCore.Engines;
using FlowService.Batching;
using FlowService.Models;
using FlowService.OpenInference.Metadata;

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

    private static readonly KeyValuePair<string, object?>[] Build = [new("version", ServerMetadata.Own.Version), new("runtime", Environment.Version.ToString())];

    private readonly Meter meter;
    private readonly Counter<long> requests, rows, batches, batchFailures, rejections, savedRows, modelLoads, evictions, cacheHits, cacheMisses;
    private readonly Histogram<int> batchRows;
    private readonly Histogram<double> requestSeconds, readSeconds, queueSeconds, computeSeconds, writeSeconds, loadSeconds;

    public FlowMetrics(IMeterFactory factory, ModelRegistry registry)
    {
        meter = factory.Create(MeterName);
        requests = meter.CreateCounter<long>("flowservice.requests", "{request}", "Answered requests, by outcome (2xx, 4xx, 5xx, aborted).");
        rows = meter.CreateCounter<long>("flowservice.rows", "{row}", "Rows of requests that were answered with 2xx.");
        batches = meter.CreateCounter<long>("flowservice.batches", "{batch}", "Batches that a device computed.");
        rejections = meter.CreateCounter<long>("flowservice.rejections", "{request}", "Requests that were refused or given up, by reason.");
        batchRows = meter.CreateHistogram("flowservice.batch.rows", "{row}", "Rows in one batch.", advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = RowBuckets });
        requestSeconds = Seconds("flowservice.request.duration", "From the first byte of a request to the last one of its answer.");
        readSeconds = Seconds("flowservice.read.duration", "From the first byte of a request to its entry into the queue.");
        writeSeconds = Seconds("flowservice.write.duration", "From a request's results to the last byte of its answer.");
        queueSeconds = Seconds("flowservice.queue.duration", "From a request's entry into the queue to its first batch.");
        computeSeconds = Seconds("flowservice.compute.duration", "One batch on its device, copies included.");
        batchFailures = meter.CreateCounter<long>("flowservice.batch.failures", "{failure}", "Computations that failed, by reason (fault, out_of_memory); a batch that fails is tried again in parts.");
        savedRows = meter.CreateCounter<long>("flowservice.rows.saved", "{row}", "Rows that were accepted and not computed, for nobody waits for them: by reason (client_gone, deadline_passed).");
        modelLoads = meter.CreateCounter<long>("flowservice.model.loads", "{load}", "Versions that were loaded, by outcome (ready, failed).");
        cacheHits = meter.CreateCounter<long>("flowservice.cache.hits", "{request}", "Requests, or parts of a stream, whose answer was remembered.");
        cacheMisses = meter.CreateCounter<long>("flowservice.cache.misses", "{request}", "Requests, or parts of a stream, of a cached model that had to be computed.");
        evictions = meter.CreateCounter<long>("flowservice.model.evictions", "{eviction}", "Versions that made room for another one.");
        loadSeconds = Seconds("flowservice.model.load.duration", "Reading, self-test and warm-up of one version.");
        meter.CreateObservableGauge("flowservice.queue.depth", () => OfQueues(registry, queue => queue.Rows),
            "{row}", "Rows that wait for the model.");
        meter.CreateObservableGauge("flowservice.batch.limit", () => OfQueues(registry, queue => queue.BatchRows),
            "{row}", "The most rows in a batch: lower than configured where memory was out.");
        meter.CreateObservableGauge("flowservice.queue.limit", () => OfQueues(registry, queue => queue.Options.QueueRows),
            "{row}", "The most rows that may wait for the model.");
        meter.CreateObservableGauge("flowservice.device.memory.allocated", () => OfDevices(registry, memory => memory.AllocatedBytes), "By", "Memory of a GPU that the models' own engines hold.");
        meter.CreateObservableGauge("flowservice.device.memory.free", () => OfDevices(registry, memory => memory.FreeBytes), "By", "Memory of a GPU that no process holds.");
        meter.CreateObservableGauge("flowservice.device.memory.total", () => OfDevices(registry, memory => memory.TotalBytes), "By", "Memory of a GPU.");
        meter.CreateObservableGauge("flowservice.build.info", () => new Measurement<int>(1, Build), description: "Always 1, with the version of the service and of its runtime.");
        meter.CreateObservableGauge("flowservice.tensors.live", () => TorchRuntime.LiveTensors, "{tensor}", "Tensors that live in this process.");
    }

    /// <summary>A request has its first batch.</summary>
    public void Dequeued(WorkItem item, TimeSpan waited)
    {
        if (queueSeconds.Enabled)
            queueSeconds.Record(waited.TotalSeconds, item.Model.ModelLabel, item.Model.VersionLabel, new("operation", item.Operation.Name()));
    }

    /// <summary>An answer was looked for in the cache.</summary>
    public void Cached(WorkItem item, bool isHit) =>
        (isHit ? cacheHits : cacheMisses).Add(1, item.Model.ModelLabel, item.Model.VersionLabel, new("operation", item.Operation.Name()));

    /// <summary>A batch was computed.</summary>
    public void BatchRun(ServedModel model, Direction direction, int rowCount, TimeSpan duration)
    {
        var operation = new KeyValuePair<string, object?>("operation", direction.Name());
        batches.Add(1, model.ModelLabel, model.VersionLabel, operation);
        batchRows.Record(rowCount, model.ModelLabel, model.VersionLabel, operation);
        computeSeconds.Record(duration.TotalSeconds, model.ModelLabel, model.VersionLabel, operation);
    }

    /// <summary>Some rows could not be computed together.</summary>
    public void BatchFailed(ServedModel model, Direction direction, string reason) =>
        batchFailures.Add(1, new TagList { model.ModelLabel, model.VersionLabel, { "operation", direction.Name() }, { "reason", reason } });

    /// <summary>Rows of a request were not computed, for nobody waits for them.</summary>
    public void Saved(WorkItem item, int rowCount, string reason) =>
        savedRows.Add(rowCount, new TagList { item.Model.ModelLabel, item.Model.VersionLabel, { "operation", item.Operation.Name() }, { "reason", reason } });

    /// <summary>A version was loaded, or could not be.</summary>
    public void ModelLoaded(ModelVersion version, TimeSpan duration)
    {
        var labels = new TagList { { "model", version.Name }, { "version", version.Version }, { "outcome", version.Served is null ? "failed" : "ready" } };
        modelLoads.Add(1, labels);
        loadSeconds.Record(duration.TotalSeconds, labels);
    }

    /// <summary>A version made room for another.</summary>
    public void Evicted(ServedModel model) => evictions.Add(1, model.ModelLabel, model.VersionLabel);

    /// <summary>A request was answered, or its client went away.</summary>
    public void Answered(RequestFacts facts, string outcome, TimeSpan duration)
    {
        TagList labels = facts.Labels();
        if (outcome == "2xx")
            rows.Add(facts.Rows, labels);
        requestSeconds.Record(duration.TotalSeconds, labels);
        if (readSeconds.Enabled && facts.Times() is { IsComputed: true } times)
        {
            readSeconds.Record(times.Read.TotalSeconds, labels);
            writeSeconds.Record(times.Write.TotalSeconds, labels);
        }
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

    // A model has a queue, and another one for each size of images that was asked for beside its own.
    private static IEnumerable<Measurement<T>> OfQueues<T>(ModelRegistry registry, Func<BatchQueue, T> value)
        where T : struct => registry.Served.SelectMany(model => (model.Sizes?.Compiled ?? [])
            .Select(sized => new Measurement<T>(value(sized.Queue), model.ModelLabel, model.VersionLabel, new("size", $"{sized.Spec.EventShape[1]}x{sized.Spec.EventShape[2]}")))
            .Prepend(new(value(model.Queue), model.ModelLabel, model.VersionLabel)));

    // Of each GPU that a model runs on.
    private static IEnumerable<Measurement<long>> OfDevices(ModelRegistry registry, Func<DeviceMemory, long> value) => registry.Served
        .SelectMany(model => (model.Sizes?.Compiled ?? []).Prepend(model)).SelectMany(model => model.Engines).Select(MemoryOf).OfType<DeviceMemory>()
        .GroupBy(memory => memory.Device).Select(device => new Measurement<long>(
            value(device.Last() with { AllocatedBytes = device.Sum(memory => memory.AllocatedBytes) }), new("device", device.Key), new KeyValuePair<string, object?>("name", device.Last().Name)));

    private static DeviceMemory? MemoryOf(FlowEngine<float> engine)
    {
        try
        {
            return engine.Conditional.Memory();
        }
        catch (Exception e) when (e is FlowException or InsufficientMemoryException)
        {
            return null; // a device that does not answer is what /health/ready is about
        }
    }

    private Histogram<double> Seconds(string name, string description) =>
        meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = SecondBuckets });
}
