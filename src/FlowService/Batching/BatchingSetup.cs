using FlowService.Wire;
using Microsoft.Extensions.Options;

namespace FlowService.Batching;

internal static class BatchingSetup
{
    public static IServiceCollection AddBatching(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<BatchingOptions, BatchingOptionsValidator>().BindConfiguration(BatchingOptions.Section);
        services.AddSingleton<IValidateOptions<BatchingOptions>, BatchingFitsLimits>();
        services.AddSingleton<RowPool>();
        services.AddSingleton<Inference>();
        services.AddSingleton<ComputeDevice>();
        return services.AddHostedService(provider => provider.GetRequiredService<ComputeDevice>());
    }
}
