using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.Telemetry;

/// <summary>The section <c>Telemetry</c>. Where traces, metrics and logs are sent to, the variables of OpenTelemetry say (OTEL_EXPORTER_OTLP_ENDPOINT).</summary>
internal sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>The port for /metrics alone (default 0: beside the API), at the host of the first of <c>Urls</c>: it answers nothing else, and the API's ports no more /metrics.</summary>
    /// <remarks>The API is reached by others than the monitoring, and /metrics shall not be.</remarks>
    [Within(0, 65535, ErrorMessage = "Telemetry:MetricsPort must lie in 0..65535: the port for /metrics alone, 0 for none (default 0).")]
    public int MetricsPort { get; set; }

    /// <summary>Whether the counts have Triton's names too, <c>nv_inference_*</c> (default false).</summary>
    /// <remarks>Dashboards or autoscaler rules were written for Triton.</remarks>
    public bool TritonNames { get; set; }
}

[OptionsValidator]
internal sealed partial class TelemetryOptionsValidator : IValidateOptions<TelemetryOptions>;
