using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

internal static class ModelsSetup
{
    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<ModelsOptions, ModelsOptionsValidator>().BindConfiguration(ModelsOptions.Section);
        services.AddSingleton<IValidateOptions<ModelsOptions>, ModelOverridesAreValid>();
        services.AddOptionsWithValidateOnStart<ServingOptions, ServingOptionsValidator>();
        services.AddSingleton<IValidateOptions<ServingOptions>, ComparedVersionsAreLoaded>();
        services.AddSingleton<IConfigureOptions<ServingOptions>, ModelOverrides>();
        services.AddOptionsWithValidateOnStart<TorchOptions, TorchOptionsValidator>().BindConfiguration(TorchOptions.Section);
        services.AddOptionsWithValidateOnStart<EngineOptions, EngineOptionsValidator>().BindConfiguration(EngineOptions.Section);
        services.AddSingleton<TorchRuntime>();
        services.AddSingleton<Engines>();
        services.TryAddSingleton<EngineFactory>(provider => provider.GetRequiredService<Engines>().Open);
        services.AddSingleton<ModelRepository>();
        services.AddSingleton<ModelRegistry>();
        services.AddSingleton<ModelLoader>();
        services.AddSingleton<ModelMemory>();
        services.AddSingleton<ModelLifecycle>();
        services.AddSingleton<DeviceProbe>();
        services.AddSingleton<ServiceGate>();
        return services.AddHostedService<RepositoryWatcher>();
    }
}
