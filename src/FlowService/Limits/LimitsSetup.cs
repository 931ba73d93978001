using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace FlowService.Limits;

internal static class LimitsSetup
{
    public static IServiceCollection AddLimits(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<LimitsOptions, LimitsOptionsValidator>().BindConfiguration(LimitsOptions.Section);
        return services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // RequestReader counts the bytes itself: its refusal says what to do.
            kestrel.Limits.MaxRequestBodySize = null;
        });
    }
}
