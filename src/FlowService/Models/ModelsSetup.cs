using FlowCore.Engines;
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
        services.AddSingleton<IConfigureOptions<ServingOptions>, ModelOverrides>();
        services.AddOptionsWithValidateOnStart<TorchOptions, TorchOptionsValidator>().BindConfiguration(TorchOptions.Section);
        services.TryAddSingleton<EngineFactory>((checkpoint, device) => new TorchEngine<float>(checkpoint.BuildFlow(), device));
        services.AddSingleton<TorchRuntime>();
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
