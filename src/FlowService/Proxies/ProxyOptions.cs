using System.Net;
using Microsoft.Extensions.Options;

namespace FlowService.Proxies;

/// <summary>The section <c>Proxy</c>: what stands between the clients and the service.</summary>
internal sealed class ProxyOptions
{
    public const string Section = "Proxy";

    /// <summary>
    /// The proxies whose <c>X-Forwarded-Prefix</c> is believed, as addresses or networks with commas between them (default
    /// <c>127.0.0.0/8,::1</c>: those on this machine); empty for none.
    /// </summary>
    public string Trusted { get; set; } = "127.0.0.0/8,::1";

    /// <summary>The networks that the text names; null where it names something else.</summary>
    public IPNetwork[]? Networks()
    {
        string[] texts = Trusted.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        IPNetwork?[] networks = Array.ConvertAll(texts, Network);
        return Array.Exists(networks, network => network is null) ? null : Array.ConvertAll(networks, network => network!.Value);
    }

    private static IPNetwork? Network(string text)
    {
        if (IPNetwork.TryParse(text, out IPNetwork network))
            return network;
        return IPAddress.TryParse(text, out IPAddress? address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8) : null;
    }
}

internal sealed class ProxyOptionsValidator : IValidateOptions<ProxyOptions>
{
    public ValidateOptionsResult Validate(string? name, ProxyOptions options) => options.Networks() is null
        ? ValidateOptionsResult.Fail(
            $"Proxy:Trusted must list addresses or networks, like 10.0.0.0/8,192.168.1.7: the proxies that say under which path clients see the service (default {new ProxyOptions().Trusted}).")
        : ValidateOptionsResult.Success;
}
