using System.Net;
using System.Net.Http.Headers;
using FlowService.Tests.Support;

namespace FlowService.Tests.Security;

/// <summary>What a web page elsewhere makes a browser send to a service on this machine.</summary>
public sealed class OriginTests(SharedService service)
{
    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("null")]
    public async Task A_page_of_another_origin_calls_nothing(string origin)
    {
        foreach (string path in (string[])["/logprob", "/models/two-moons/unload", "/v2/repository/models/two-moons/unload", "/v2/models/two-moons/infer"])
        {
            using HttpResponseMessage response = await SendAsync(service.Host, HttpMethod.Post, path, ("Origin", origin));
            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        }
    }

    [Fact]
    public async Task The_services_own_page_calls_everything()
    {
        using HttpResponseMessage response = await SendAsync(service.Host, HttpMethod.Post, "/models/two-moons/load", ("Origin", $"{service.Host.Address}".TrimEnd('/')));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("evil.example", HttpStatusCode.BadRequest)]
    [InlineData("localhost.evil.example", HttpStatusCode.BadRequest)]
    [InlineData("192.0.2.1:8080", HttpStatusCode.BadRequest)]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("LOCALHOST:99", HttpStatusCode.OK)]
    [InlineData("flows.localhost", HttpStatusCode.OK)]
    [InlineData("[::1]:8080", HttpStatusCode.OK)]
    public async Task A_service_of_this_machine_is_known_by_this_machines_names(string name, HttpStatusCode expected)
    {
        using HttpResponseMessage response = await SendAsync(service.Host, HttpMethod.Get, "/models", ("Host", name));

        Assert.Equal(expected, response.StatusCode);
        if (expected != HttpStatusCode.OK)
            Assert.Contains("AllowedHosts", (await Calls.ProblemAsync(response, expected)).Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_name_other_hosts_and_origins()
    {
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("AllowedHosts", "flows.example;127.0.0.1"), ("Security:Origins", "https://lab.example"));
        using HttpResponseMessage known = await SendAsync(host, HttpMethod.Get, "/models", ("Host", "flows.example")), unknown = await SendAsync(host, HttpMethod.Get, "/models", ("Host", "localhost")),
            called = await SendAsync(host, HttpMethod.Post, "/logprob", ("Origin", "https://lab.example")),
            asked = await SendAsync(host, HttpMethod.Options, "/logprob", ("Origin", "https://lab.example"), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization,content-type")),
            foreign = await SendAsync(host, HttpMethod.Options, "/logprob", ("Origin", "https://evil.example"), ("Access-Control-Request-Method", "POST"));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.OK), (known.StatusCode, unknown.StatusCode, called.StatusCode));
        Assert.Equal("https://lab.example", Assert.Single(called.Headers.GetValues("Access-Control-Allow-Origin")));
        Assert.Equal("authorization,content-type", Assert.Single(asked.Headers.GetValues("Access-Control-Allow-Headers")));
        Assert.False(foreign.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task Pages_load_nothing_from_elsewhere_and_stand_in_no_frame()
    {
        using HttpResponseMessage page = await SendAsync(service.Host, HttpMethod.Get, "/swagger/index.html"), data = await SendAsync(service.Host, HttpMethod.Get, "/models");

        Assert.Contains("frame-ancestors 'none'", Assert.Single(page.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Equal("DENY", Assert.Single(page.Headers.GetValues("X-Frame-Options")));
        Assert.Equal("nosniff", Assert.Single(data.Headers.GetValues("X-Content-Type-Options")));
        Assert.False(data.Headers.Contains("Content-Security-Policy"));
    }

    private static async Task<HttpResponseMessage> SendAsync(ServiceHost host, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using HttpClient http = host.Http();
        using var request = new HttpRequestMessage(method, path);
        if (method == HttpMethod.Post && !path.Contains("load", StringComparison.Ordinal))
            request.Content = new StringContent("""{"model":"two-moons","x":[[0,1]]}""", MediaTypeHeaderValue.Parse("application/json"));
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await http.SendAsync(request);
    }
}
