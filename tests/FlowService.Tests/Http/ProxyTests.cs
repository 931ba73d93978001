using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

/// <summary>Behind a proxy that serves it under a path, the service's links lead back through the proxy.</summary>
public sealed partial class ProxyTests(SharedService service)
{
    [Fact]
    public async Task Links_begin_with_the_path_that_a_trusted_proxy_names()
    {
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Explorer:Enabled", "false"));
        using HttpResponseMessage root = await AskAsync(host, "/"), document = await AskAsync(service.Host, "/swagger/v1/swagger.json");
        using HttpResponseMessage page = await AskAsync(service.Host, "/swagger"), script = await AskAsync(service.Host, "/swagger/index.js");

        Assert.Equal("/flows/swagger", root.Headers.Location?.ToString());
        Assert.Equal("/flows", (await JsonAsync(document)).GetProperty("servers")[0].GetProperty("url").GetString());
        // The page itself is linked relatively.
        Assert.DoesNotMatch("^/", $"{page.Headers.Location}");
        Assert.Contains("\"url\":\"v1/swagger.json\"", await script.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_explorer_finds_its_files_also_where_its_address_ends_without_a_slash()
    {
        using HttpResponseMessage page = await AskAsync(service.Host, "/");
        string html = await page.Content.ReadAsStringAsync();
        string[] named = [.. Named().Matches(html).Select(match => match.Groups[1].Value)];

        Assert.True(named.Length >= 3, html);
        Assert.All(named, name => Assert.StartsWith("/flows/explorer/", name, StringComparison.Ordinal));
        using HttpResponseMessage script = await AskAsync(service.Host, named.Single(name => name.EndsWith(".js", StringComparison.Ordinal))["/flows".Length..]);
        Assert.Contains("import.meta.url", await script.Content.ReadAsStringAsync(), StringComparison.Ordinal); // it asks the service beside itself
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.0.0.0/8,192.168.1.7")]
    public async Task Nobody_else_is_believed(string trusted)
    {
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Proxy:Trusted", trusted), ("Explorer:Enabled", "false"));

        using HttpResponseMessage root = await AskAsync(host, "/");

        Assert.Equal("/swagger", root.Headers.Location?.ToString());
    }

    private static async Task<HttpResponseMessage> AskAsync(ServiceHost host, string path)
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = host.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "X-Forwarded-Prefix", "/flows" } } };
        return await client.SendAsync(request);
    }

    [GeneratedRegex("(?:src|href)=\"([^\"]+\\.(?:js|css|svg))\"")]
    private static partial Regex Named();

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }
}
