using FlowRows.Buffers;
using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Batching;

internal static class BatchingSetup
{
    public static IServiceCollection AddBatching(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<BatchingOptions, BatchingOptionsValidator>();
        services.AddSingleton<IConfigureOptions<BatchingOptions>, ModelOverrides>();
        services.AddSingleton<IValidateOptions<BatchingOptions>, BatchingFitsLimits>();
        services.AddSingleton<RowPool>();
        return services.AddSingleton<Inference>();
    }
}
