using System.Runtime.InteropServices;
using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Shutdown;

/// <summary>
/// Ends the service by signal. SIGTERM: readiness turns false, requests are answered for a pause, then new ones are refused, and
/// what was accepted is finished. Ctrl-C, or the end of its terminal, leaves the pause out. A second signal cuts it all short.
/// </summary>
internal sealed class SignalLifetime(
    IHostApplicationLifetime application, ServiceGate gate, IOptions<ShutdownOptions> options, TimeProvider time, ILogger<SignalLifetime> logger) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> registrations = [];
    private int signals;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGHUP])
            registrations.Add(PosixSignalRegistration.Create(signal, Received));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => registrations.ForEach(registration => registration.Dispose());

    private void Received(PosixSignalContext context)
    {
        context.Cancel = true; // else the process would end here
        if (Interlocked.Increment(ref signals) == 1)
        {
            gate.Drain();
            _ = StopAsync(TimeSpan.FromSeconds(context.Signal == PosixSignal.SIGTERM ? options.Value.PauseSeconds : 0));
            return;
        }
        logger.CutShort();
        gate.CutOff();
        application.StopApplication();
    }

    private async Task StopAsync(TimeSpan pause)
    {
        logger.Draining(pause.TotalSeconds);
        await Task.Delay(pause, time);
        application.StopApplication();
        await Task.Delay(TimeSpan.FromSeconds(options.Value.TimeoutSeconds), time);
        logger.CutOff(options.Value.TimeoutSeconds);
        gate.CutOff();
    }
}
