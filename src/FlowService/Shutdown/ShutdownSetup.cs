using Microsoft.Extensions.Options;

namespace FlowService.Shutdown;

internal static class ShutdownSetup
{
    /// <summary>What cut-off requests and the models behind them have to end in.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    public static IServiceCollection AddShutdown(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<ShutdownOptions, ShutdownOptionsValidator>().BindConfiguration(ShutdownOptions.Section);
        services.AddOptions<HostOptions>().Configure<IOptions<ShutdownOptions>>(
            (host, shutdown) => host.ShutdownTimeout = TimeSpan.FromSeconds(shutdown.Value.TimeoutSeconds) + Grace);
        return services.AddSingleton<IHostLifetime, SignalLifetime>();
    }
}
