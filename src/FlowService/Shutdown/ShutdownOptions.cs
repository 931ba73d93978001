using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.Shutdown;

/// <summary>The section <c>Shutdown</c>: how the service leaves.</summary>
internal sealed class ShutdownOptions
{
    public const string Section = "Shutdown";

    /// <summary>
    /// The time in seconds in which the service still answers after SIGTERM, while /health/ready says 503 (default 5): load balancers
    /// need it to look elsewhere.
    /// </summary>
    /// <remarks>The load balancer notices later, or sooner, that a replica is not ready.</remarks>
    [Within(0, 3600, ErrorMessage = "Shutdown:PauseSeconds must lie in 0..3600: after SIGTERM the service answers so long, while /health/ready says 503 (default 5).")]
    public double PauseSeconds { get; set; } = 5;

    /// <summary>The longest time in seconds for finishing what was accepted (default 60).</summary>
    /// <remarks>Requests take longer than that; the orchestrator must wait for both times together before it kills.</remarks>
    [Within(1, 3600, ErrorMessage = "Shutdown:TimeoutSeconds must lie in 1..3600: what was accepted is finished within it, or cut off (default 60).")]
    public double TimeoutSeconds { get; set; } = 60;
}

[OptionsValidator]
internal sealed partial class ShutdownOptionsValidator : IValidateOptions<ShutdownOptions>;
