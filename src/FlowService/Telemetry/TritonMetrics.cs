using System.Diagnostics.Metrics;
using FlowService.Batching;
using FlowService.Models;

namespace FlowService.Telemetry;

/// <summary>
/// The counts of each version under Triton's names, for dashboards and autoscalers that were written for it. They are what /v2/models/NAME/stats says, and
/// begin anew when a version is loaded. Their kind is a gauge, for the exporter would append _total to a counter.
/// </summary>
internal sealed class TritonMetrics
{
    private static readonly Operation[] Kinds = [Operation.LogProb, Operation.Sample, Operation.Decode];

    private readonly ModelRegistry registry;

    public TritonMetrics(IMeterFactory factory, ModelRegistry registry)
    {
        this.registry = registry;
        Meter meter = factory.Create(FlowMetrics.MeterName);
        Add(meter, "nv_inference_request_success", "Requests that were answered.", counts => counts.Success.Count);
        Add(meter, "nv_inference_request_failure", "Requests that were not.", counts => counts.Failure.Count);
        Add(meter, "nv_inference_count", "Rows that were computed.", counts => counts.Rows);
        Add(meter, "nv_inference_exec_count", "Batches.", counts => counts.Batches.Sum(batch => batch.Count));
        Add(meter, "nv_inference_request_duration_us", "Requests, from their entry into the queue to their results.", counts => Microseconds(counts.Success.Total));
        Add(meter, "nv_inference_queue_duration_us", "Requests, from their entry into the queue to their first batch.", counts => Microseconds(counts.Queue));
        Add(meter, "nv_inference_compute_input_duration_us", "Rows copied in.", counts => Microseconds(counts.Steps.Input));
        Add(meter, "nv_inference_compute_infer_duration_us", "The engine.", counts => Microseconds(counts.Steps.Infer));
        Add(meter, "nv_inference_compute_output_duration_us", "Results copied out.", counts => Microseconds(counts.Steps.Output));
        Add(meter, "nv_cache_num_hits_per_model", "Answers from the cache.", counts => counts.CacheHit.Count);
        Add(meter, "nv_cache_num_misses_per_model", "Answers of a cached model that were computed.", counts => counts.CacheMiss.Count);
        meter.CreateObservableGauge("nv_inference_pending_request_count", () => registry.Served.Select(model => Of(model, model.Queue.Rows)), description: "Rows that wait.");
    }

    private void Add(Meter meter, string name, string description, Func<OperationStatistics, long> count) => meter.CreateObservableGauge(name,
        () => registry.Served.Select(model => Of(model, Kinds.Sum(kind => count(model.Statistics.Of(kind))))), description: description);

    private static Measurement<long> Of(ServedModel model, long value) => new(value, model.ModelLabel, model.VersionLabel);

    private static long Microseconds(TimeSpan time) => (long)time.TotalMicroseconds;
}
