using Microsoft.Extensions.Options;

namespace FlowService.Shutdown;

internal static class ShutdownSetup
{
    public static IServiceCollection AddShutdown(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<ShutdownOptions, ShutdownOptionsValidator>().BindConfiguration(ShutdownOptions.Section);
        services.AddOptions<HostOptions>().Configure<IOptions<ShutdownOptions>>(
            (host, shutdown) => host.ShutdownTimeout = TimeSpan.FromSeconds(shutdown.Value.TimeoutSeconds));
        return services.AddSingleton<IHostLifetime, SignalLifetime>();
    }
}
