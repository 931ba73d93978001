using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace FlowService.Limits;

internal static class LimitsSetup
{
    /// <summary>What a slow client has before its rate is looked at.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    public static IServiceCollection AddLimits(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<LimitsOptions, LimitsOptionsValidator>().BindConfiguration(LimitsOptions.Section);
        services.AddSingleton<RefusalPace>();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<LimitsOptions>, IConfiguration>((kestrel, limits, configuration) =>
        {
            kestrel.AddServerHeader = false;
            Limit(kestrel.Limits, limits.Value);
            configuration.GetSection("Kestrel:Limits").Bind(kestrel.Limits); // the framework's own names, for what has none here
        });
        return services;
    }

    private static void Limit(KestrelServerLimits kestrel, LimitsOptions limits)
    {
        // RequestReader counts the bytes itself: its refusal says what to do.
        kestrel.MaxRequestBodySize = null;
        (kestrel.MaxConcurrentConnections, kestrel.Http2.MaxStreamsPerConnection) = (limits.Connections, limits.StreamsPerConnection);
        (kestrel.MaxRequestHeadersTotalSize, kestrel.RequestHeadersTimeout) = (limits.HeaderBytes, TimeSpan.FromSeconds(limits.HeaderSeconds));
        kestrel.MinRequestBodyDataRate = kestrel.MinResponseDataRate = limits.BytesPerSecond > 0 ? new MinDataRate(limits.BytesPerSecond, Grace) : null;
    }
}
