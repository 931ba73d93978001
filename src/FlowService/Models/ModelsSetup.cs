using FlowCore.Engines;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace FlowService.Models;

internal static class ModelsSetup
{
    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<ModelsOptions, ModelsOptionsValidator>().BindConfiguration(ModelsOptions.Section);
        services.AddOptionsWithValidateOnStart<TorchOptions, TorchOptionsValidator>().BindConfiguration(TorchOptions.Section);
        services.TryAddSingleton<EngineFactory>((checkpoint, device) => new TorchEngine<float>(checkpoint.BuildFlow(), device));
        services.AddSingleton<TorchRuntime>();
        services.AddSingleton<ModelRepository>();
        services.AddSingleton<ModelRegistry>();
        services.AddSingleton<ModelLoader>();
        services.AddSingleton<ServiceGate>();
        return services.AddHostedService<ModelStartup>();
    }
}
