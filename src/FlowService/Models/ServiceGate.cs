using FlowService.Errors;

namespace FlowService.Models;

/// <summary>
/// Whether the service takes requests: not before the models are loaded, not once it stops. In the pause before it stops it still
/// answers, and only says that it is not ready, so that load balancers send no more.
/// </summary>
internal sealed class ServiceGate(IHostApplicationLifetime lifetime) : IDisposable
{
    private readonly CancellationTokenSource cut = new();
    private volatile bool open, draining;

    /// <summary>What is under way while the gate is shut.</summary>
    public string Progress { get; set; } = "starting";

    /// <summary>Cancelled when requests that are still running shall be cut off.</summary>
    public CancellationToken Cut => cut.Token;

    public void Open() => open = true;

    /// <summary>The pause before the stop begins.</summary>
    public void Drain() => draining = true;

    /// <summary>Cuts off the requests that are still running.</summary>
    public void CutOff() => cut.Cancel();

    /// <summary>Whether a request is taken.</summary>
    /// <exception cref="RequestException">503: the service loads its models, or is shutting down.</exception>
    public void Check()
    {
        if (!open)
            throw new RequestException(ProblemKind.NotReady, $"the service is not ready: {Progress}; GET /health/ready tells when it is") { RetryAfter = 2 };
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            throw ShuttingDown();
    }

    /// <summary>Whether load balancers shall send requests.</summary>
    /// <exception cref="RequestException">503: the service loads its models, or is shutting down.</exception>
    public void CheckReady()
    {
        Check();
        if (draining)
            throw ShuttingDown();
    }

    public void Dispose() => cut.Dispose();

    private static RequestException ShuttingDown() =>
        new(ProblemKind.NotReady, "the service is shutting down; try another instance, or this one after its restart") { RetryAfter = 5 };
}

/// <summary>Keeps requests out while the gate is shut.</summary>
internal sealed class ServiceGateFilter(ServiceGate gate) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        gate.Check();
        using (gate.Cut.UnsafeRegister(static http => ((HttpContext)http!).Abort(), context.HttpContext))
            return await next(context);
    }
}
