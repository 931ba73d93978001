using FlowCore;
using FlowService.Models;
using FlowService.OpenInference.Grpc;
using Microsoft.Extensions.Options;

namespace FlowService.Startup;

/// <summary>Starts only with settings that are right; else every fault is logged with its remedy, and nothing else.</summary>
internal static class StartupChecks
{
    /// <summary>Runs until the process is told to stop. The exit code: 0 stopped, 1 not started.</summary>
    public static int RunChecked(this WebApplication app)
    {
        try
        {
            app.Services.GetRequiredService<IStartupValidator>().Validate();
            app.Services.GetRequiredService<TorchRuntime>(); // fails here where the device is absent
            app.ListenForGrpc();
            app.Run();
            return 0;
        }
        catch (Exception e) when (Faults(e) is { Count: > 0 } faults)
        {
            foreach (string fault in faults)
                app.Logger.NotStarted(fault);
            return 1;
        }
    }

    private static List<string> Faults(Exception exception) => exception switch
    {
        OptionsValidationException settings => [.. settings.Failures],
        AggregateException several => [.. several.InnerExceptions.SelectMany(Faults)],
        FlowException flow => [flow.Message],
        IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException } taken =>
            [$"{taken.Message} Choose another address with --urls http://localhost:PORT, or for gRPC another port with --Grpc:Port PORT (0: none)."],
        _ => [],
    };
}
