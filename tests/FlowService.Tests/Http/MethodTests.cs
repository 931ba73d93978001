using System.Net;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

/// <summary>The methods that every address takes beside its own.</summary>
public sealed class MethodTests(SharedService service)
{
    private readonly HttpClient http = service.Http;

    public static TheoryData<string> Gets =>
    [
        "/", "/health/live", "/health/ready", "/metrics", "/models", "/models/two-moons", "/models/two-moons/card", "/models/two-moons/reference", "/models/two-moons/calibration",
        "/models/two-moons/drift", "/swagger/v1/swagger.json", "/swagger/index.html",
        "/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/two-moons", "/v2/models/two-moons/versions/1", "/v2/models/two-moons/ready",
        "/v2/models/two-moons/config", "/v2/models/two-moons/stats", "/v2/models/stats",
    ];

    [Theory]
    [MemberData(nameof(Gets))]
    public async Task HEAD_is_answered_like_GET_without_the_body(string path)
    {
        using HttpResponseMessage get = await SendAsync(HttpMethod.Get, path), head = await SendAsync(HttpMethod.Head, path);

        Assert.True((int)get.StatusCode < 400, $"{get.StatusCode}");
        Assert.Equal((get.StatusCode, get.Content.Headers.ContentType?.ToString()), (head.StatusCode, head.Content.Headers.ContentType?.ToString()));
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [MemberData(nameof(Gets))]
    public async Task OPTIONS_names_the_methods_of_an_address(string path)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Options, path);

        Assert.Equal((HttpStatusCode.NoContent, "GET, HEAD, OPTIONS"), (response.StatusCode, string.Join(", ", response.Content.Headers.Allow)));
    }

    [Theory]
    [InlineData("OPTIONS", "/logprob", HttpStatusCode.NoContent)]
    [InlineData("OPTIONS", "/v2/models/two-moons/infer", HttpStatusCode.NoContent)]
    [InlineData("GET", "/logprob", HttpStatusCode.MethodNotAllowed)]
    [InlineData("HEAD", "/sample", HttpStatusCode.MethodNotAllowed)]
    [InlineData("DELETE", "/v2/models/two-moons/infer", HttpStatusCode.MethodNotAllowed)]
    public async Task What_takes_POST_says_so(string method, string path, HttpStatusCode status)
    {
        using HttpResponseMessage response = await SendAsync(new HttpMethod(method), path);

        Assert.Equal((status, "OPTIONS, POST"), (response.StatusCode, string.Join(", ", response.Content.Headers.Allow)));
    }

    [Theory]
    [InlineData("HEAD", "/models/none")]
    [InlineData("HEAD", "/v2/models/none/ready")]
    [InlineData("OPTIONS", "/nowhere")]
    public async Task What_is_not_there_is_404_by_every_method(string method, string path)
    {
        using HttpResponseMessage response = await SendAsync(new HttpMethod(method), path);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path)
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = http.BaseAddress };
        using var request = new HttpRequestMessage(method, path);
        return await client.SendAsync(request);
    }
}
