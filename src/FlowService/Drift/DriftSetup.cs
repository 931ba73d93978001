namespace FlowService.Drift;

internal static class DriftSetup
{
    public static IServiceCollection AddDrift(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<DriftOptions, DriftOptionsValidator>().BindConfiguration(DriftOptions.Section);
        return services.AddSingleton<DriftMetrics>();
    }

    /// <summary>The gauges are there from the start.</summary>
    public static void UseDrift(this WebApplication app) => app.Services.GetRequiredService<DriftMetrics>();
}
