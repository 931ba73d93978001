using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using IPNetwork = System.Net.IPNetwork;

namespace FlowService.Proxies;

internal static class ProxySetup
{
    public static IServiceCollection AddProxies(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<ProxyOptions>().BindConfiguration(ProxyOptions.Section);
        services.AddSingleton<IValidateOptions<ProxyOptions>, ProxyOptionsValidator>();
        services.AddOptions<ForwardedHeadersOptions>().Configure<IOptions<ProxyOptions>>((headers, proxy) => Believe(headers, proxy.Value.Networks()!));
        return services;
    }

    /// <summary>Puts the path under which clients see the service, which a proxy took away, before every link.</summary>
    public static void UseProxies(this WebApplication app) => app.UseForwardedHeaders();

    // Nothing else that proxies say is taken over: who may load models must not hang on what a header says of the caller.
    private static void Believe(ForwardedHeadersOptions headers, IPNetwork[] proxies)
    {
        headers.KnownProxies.Clear();
        headers.KnownIPNetworks.Clear();
        foreach (IPNetwork proxy in proxies)
            headers.KnownIPNetworks.Add(proxy);
        if (proxies.Length > 0) // an empty list would believe everybody
            headers.ForwardedHeaders |= ForwardedHeaders.XForwardedPrefix;
    }
}
