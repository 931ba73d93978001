namespace FlowService.Caching;

internal static class CachingSetup
{
    public static IServiceCollection AddCaching(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<CacheOptions, CacheOptionsValidator>().BindConfiguration(CacheOptions.Section);
        return services.AddSingleton<AnswerCache>();
    }
}
