using Microsoft.Extensions.Options;

namespace FlowService.Security;

/// <summary>The administrators' socket: the file that a former process left gives way, and only the service's own user may open the new one.</summary>
internal sealed class AdminSocket(IOptions<AdminOptions> options) : IHostedLifecycleService
{
    /// <summary>Its address for Kestrel, or null where there is none.</summary>
    public string? Address => options.Value.Socket is { Length: > 0 } path ? $"http://unix:{Path.GetFullPath(path)}" : null;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (Address is not null)
            File.Delete(options.Value.Socket!);
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (Address is not null && !OperatingSystem.IsWindows())
            File.SetUnixFileMode(options.Value.Socket!, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
