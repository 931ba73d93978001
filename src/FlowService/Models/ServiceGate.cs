using System.Collections.Concurrent;
using FlowService.Errors;
using FlowService.Sources;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>
/// Whether the service takes requests: not before the models are loaded, not once it stops. In the pause before it stops, and
/// where there is no model, it answers and only says that it is not ready, so that load balancers send no more.
/// </summary>
internal sealed class ServiceGate(
    IHostApplicationLifetime lifetime, ModelRegistry registry, ModelRepository repository, IOptions<ModelsOptions> options)
    : IDisposable
{
    private readonly CancellationTokenSource cut = new();
    private readonly TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<string, string> sourceFaults = new(StringComparer.Ordinal);
    private volatile bool open, draining;

    /// <summary>What is under way while the gate is shut.</summary>
    public string Progress { get; set; } = "starting";

    /// <summary>Why the repository could not be read when it was last looked at, or null.</summary>
    public string? RepositoryFault { get; set; }

    /// <summary>What is wrong with a source of which the repository holds no model, or null where nothing is.</summary>
    public void Sources(string name, string? fault)
    {
        if (fault is null)
            sourceFaults.TryRemove(name, out _);
        else
            sourceFaults[name] = fault;
    }

    /// <summary>Cancelled when requests that are still running shall be cut off.</summary>
    public CancellationToken Cut => cut.Token;

    /// <summary>Done once the models are loaded or reported.</summary>
    public Task Opened => opened.Task;

    public void Open()
    {
        open = true;
        opened.TrySetResult();
    }

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
    /// <exception cref="RequestException">503: the service loads its models, has none, lacks those of a source, or is shutting down.</exception>
    public void CheckReady()
    {
        Check();
        if (draining)
            throw ShuttingDown();
        foreach ((string name, string fault) in sourceFaults)
            throw new RequestException(ProblemKind.NotReady, $"the service is not ready: the source {name} ({SourceSettings.Section}) has brought no model: {fault}") { RetryAfter = 5 };
        if (registry.IsEmpty && !options.Value.AllowEmpty)
            throw new RequestException(ProblemKind.NotReady,
                $"the service is not ready: {RepositoryFault ?? $"the repository {repository.Path} holds no model"}; put one into "
                + "NAME/VERSION/ there, point Models:Repository at the right folder, or set Models:AllowEmpty to true to be ready without one")
            { RetryAfter = 5 };
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
