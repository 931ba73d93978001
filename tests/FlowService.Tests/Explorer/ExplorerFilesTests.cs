using System.IO.Compression;
using System.Net;
using System.Text.RegularExpressions;
using FlowService.Tests.Support;

namespace FlowService.Tests.Explorer;

/// <summary>The page as it is served.</summary>
public sealed partial class ExplorerFilesTests(SharedService service)
{
    private const int MostGzippedBytes = 400_000;

    [Fact]
    public async Task The_page_and_all_that_it_names_are_served_from_here_alone()
    {
        using HttpClient http = Client(service.Host);
        using HttpResponseMessage page = await http.GetAsync("/");
        string html = await page.Content.ReadAsStringAsync();

        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType?.MediaType));
        string[] named = [.. Named().Matches(html).Select(match => match.Groups[1].Value)];
        Assert.True(named.Length >= 3, html);
        Assert.All(named, name => Assert.StartsWith("./explorer/", name, StringComparison.Ordinal));
        foreach (string name in named)
        {
            using HttpResponseMessage file = await http.GetAsync(name);
            Assert.Equal(HttpStatusCode.OK, file.StatusCode);
            Assert.Equal("nosniff", file.Headers.GetValues("X-Content-Type-Options").Single());
        }
    }

    [Fact]
    public async Task Its_policy_lets_nothing_in_from_elsewhere_and_nothing_inline()
    {
        using HttpClient http = Client(service.Host);
        using HttpResponseMessage page = await http.GetAsync("/");

        string policy = page.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("require-trusted-types-for 'script'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("http", policy, StringComparison.Ordinal);
        Assert.Equal("DENY", page.Headers.GetValues("X-Frame-Options").Single());
    }

    [Fact]
    public async Task All_of_it_together_stays_small()
    {
        using HttpClient http = Client(service.Host);
        http.DefaultRequestHeaders.AcceptEncoding.ParseAdd("gzip");
        string html = await UnzippedAsync(await http.GetAsync("/"));
        long bytes = 0;
        foreach (string name in Named().Matches(html).Select(match => match.Groups[1].Value).Prepend("/"))
        {
            using HttpResponseMessage file = await http.GetAsync(name);
            Assert.Equal("gzip", file.Content.Headers.ContentEncoding.Single());
            bytes += (await file.Content.ReadAsByteArrayAsync()).Length;
        }

        Assert.InRange(bytes, 1, MostGzippedBytes);
    }

    [Fact]
    public async Task What_a_browser_has_already_is_not_sent_again()
    {
        using HttpClient http = Client(service.Host);
        using HttpResponseMessage page = await http.GetAsync("/");
        using var again = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { IfNoneMatch = { page.Headers.ETag! } } };
        using HttpResponseMessage answer = await http.SendAsync(again);

        Assert.Equal(HttpStatusCode.NotModified, answer.StatusCode);
    }

    [Fact]
    public async Task Switched_off_the_address_leads_to_Swagger()
    {
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Explorer:Enabled", "false"));
        using HttpClient http = Client(host);

        using HttpResponseMessage root = await http.GetAsync("/"), icon = await http.GetAsync("/explorer/icon.svg");

        Assert.Equal((HttpStatusCode.Redirect, "/swagger"), (root.StatusCode, root.Headers.Location?.ToString()));
        Assert.Equal(HttpStatusCode.NotFound, icon.StatusCode);
    }

    private static HttpClient Client(ServiceHost host) => new(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = host.Address };

    private static async Task<string> UnzippedAsync(HttpResponseMessage response)
    {
        using (response)
        {
            using var reader = new StreamReader(new GZipStream(await response.Content.ReadAsStreamAsync(), CompressionMode.Decompress));
            return await reader.ReadToEndAsync();
        }
    }

    [GeneratedRegex("(?:src|href)=\"([^\"]+\\.(?:js|css|svg))\"")]
    private static partial Regex Named();
}
