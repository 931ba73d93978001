using System.Net;
using FlowCore;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace FlowService.Startup;

/// <summary>Where the service listens, by its configuration.</summary>
internal static class ListenAddresses
{
    /// <summary>The addresses that are configured: endpoints of Kestrel take the place of Urls.</summary>
    public static IEnumerable<string> Configured(IConfiguration configuration)
    {
        string[] endpoints = [.. configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"]).OfType<string>()];
        return endpoints.Length > 0 ? endpoints : OfUrls(configuration);
    }

    /// <summary>Whether nobody but this machine reaches an address.</summary>
    public static bool IsLocal(string url) => BindingAddress.Parse(url) is var address
        && (address.IsUnixPipe || address.IsNamedPipe || address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(address.Host.Trim('[', ']'), out IPAddress? ip) && IPAddress.IsLoopback(ip)));

    /// <summary>Adds a port on the host of the first of Urls, for something of its own.</summary>
    /// <exception cref="FlowException">The service listens at the port already.</exception>
    public static void AddPort(this WebApplication app, int port, string setting)
    {
        if (port == 0 || Begin(app) is not { } addresses)
            return;
        string[] urls = OfUrls(app.Configuration);
        if (Array.Find([.. addresses], url => BindingAddress.Parse(url) is { IsUnixPipe: false } address && address.Port == port) is { } taken)
            throw new FlowException($"{setting} is {port}, where the service listens for HTTP by Urls ({taken}); choose another {setting}, or 0 for none");
        if (urls.Length > 0 && BindingAddress.Parse(urls[0]) is { IsUnixPipe: false } first)
            addresses.Add($"{first.Scheme}://{first.Host}:{port}");
    }

    /// <summary>Adds an address as it stands.</summary>
    public static void AddAddress(this WebApplication app, string? address)
    {
        if (address is not null)
            Begin(app)?.Add(address);
    }

    // One address that is added by code would stand for all that are configured: so they are added too. Null where the server says itself where it listens.
    private static ICollection<string>? Begin(WebApplication app)
    {
        if (app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses is not { } addresses)
            return null;
        if (addresses.Count == 0)
            foreach (string url in OfUrls(app.Configuration))
                addresses.Add(url);
        return addresses;
    }

    private static string[] OfUrls(IConfiguration configuration) =>
        configuration[WebHostDefaults.ServerUrlsKey]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
