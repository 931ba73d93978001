using FlowService.Errors;

namespace FlowService.Models;

/// <summary>Whether the service takes requests: not before the models are loaded, not once it is told to stop.</summary>
internal sealed class ServiceGate(IHostApplicationLifetime lifetime)
{
    private volatile bool open;

    /// <summary>What is under way while the gate is shut.</summary>
    public string Progress { get; set; } = "starting";

    public bool IsReady => open && !lifetime.ApplicationStopping.IsCancellationRequested;

    public void Open() => open = true;

    /// <exception cref="RequestException">503: the service loads its models, or is shutting down.</exception>
    public void Check()
    {
        if (IsReady)
            return;
        throw open
            ? new RequestException(ProblemKind.NotReady, "the service is shutting down; try another instance, or this one after its restart") { RetryAfter = 5 }
            : new RequestException(ProblemKind.NotReady, $"the service is not ready: {Progress}; GET /health/ready tells when it is") { RetryAfter = 2 };
    }
}

/// <summary>Keeps requests out while the gate is shut.</summary>
internal sealed class ServiceGateFilter(ServiceGate gate) : IEndpointFilter
{
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        gate.Check();
        return next(context);
    }
}
