namespace FlowService.Scoring;

internal static class ScoringSetup
{
    public static IServiceCollection AddScoring(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<ScoringOptions, ScoringOptionsValidator>().BindConfiguration(ScoringOptions.Section);
        return services.AddSingleton<Evaluations>().AddSingleton<DensityWatch>();
    }
}
