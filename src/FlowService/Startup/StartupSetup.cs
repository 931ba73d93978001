namespace FlowService.Startup;

internal static class StartupSetup
{
    public static IServiceCollection AddStartReport(this IServiceCollection services) => services.AddHostedService<StartReport>();
}
