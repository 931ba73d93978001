using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

/// <summary>The lines of the table of statuses that a client's own request brings about. After each the service still answers.</summary>
public sealed class StatusTests(SharedService service) : IAsyncLifetime
{
    private const string Good = """{"model":"two-moons","x":[[0,1]]}""";

    private readonly HttpClient http = service.Http;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => _ = await http.AskAsync("/logprob", Good);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[1,2]")]
    [InlineData("x=1")]
    [InlineData("""{"model":"two-moons","x":[[0,1]]""")]
    [InlineData("""{"model":"two-moons","x":[[0,1]]} {}""")]
    [InlineData("""{"model":"two-moons","x":[[0,1,]]}""")]
    [InlineData("""{"model":"two-moons","x":[[0,01]]}""")]
    [InlineData("""{"model":"two-moons",/* no */"x":[[0,1]]}""")]
    [InlineData("""{"model":"\ud800","x":[[0,1]]}""")]
    public async Task A_body_that_is_not_a_JSON_object_is_400(string body)
    {
        JsonElement problem = await http.RefusedAsync("/logprob", body, HttpStatusCode.BadRequest);

        Assert.Equal("invalid-json", problem.Type());
    }

    [Fact]
    public async Task Bytes_that_are_not_UTF8_are_400()
    {
        using var content = new ByteArrayContent([.. "{\"model\":\""u8, 0xff, 0xfe, .. "\",\"x\":[[0,1]]}"u8]);
        content.Headers.ContentType = new("application/json");
        using HttpResponseMessage response = await http.PostAsync("/logprob", content);

        await Calls.ProblemAsync(response, HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_name_without_end_is_400_and_not_kept_in_memory()
    {
        JsonElement problem = await http.RefusedAsync("/logprob", $$"""{"{{new string('a', 3 << 20)}}":1}""", HttpStatusCode.BadRequest);

        Assert.True(problem.Detail().Length < 300);
    }

    [Theory]
    [InlineData("/logprob", """{"model":"none","x":[[0,1]]}""", "unknown-model", "digits, patients, posterior, two-moons, wide")]
    [InlineData("/sample", """{"model":"two-moons","version":7,"count":1}""", "unknown-version", "it has 1")]
    public async Task A_model_or_version_that_does_not_exist_is_404(string path, string body, string type, string words)
    {
        JsonElement problem = await http.RefusedAsync(path, body, HttpStatusCode.NotFound);

        Assert.Equal(type, problem.Type());
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/nowhere", HttpStatusCode.NotFound, "not-found")]
    [InlineData("GET", "/models/none", HttpStatusCode.NotFound, "unknown-model")]
    [InlineData("GET", "/models/two-moons?version=9", HttpStatusCode.NotFound, "unknown-version")]
    [InlineData("GET", "/models/two-moons?version=x", HttpStatusCode.BadRequest, "bad-request")]
    [InlineData("GET", "/logprob", HttpStatusCode.MethodNotAllowed, "method-not-allowed")]
    [InlineData("DELETE", "/models/two-moons", HttpStatusCode.MethodNotAllowed, "method-not-allowed")]
    public async Task The_frameworks_own_refusals_are_problems_too(string method, string path, HttpStatusCode status, string type)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using HttpResponseMessage response = await http.SendAsync(request);

        Assert.Equal(type, (await Calls.ProblemAsync(response, status)).Type());
    }

    [Theory]
    [InlineData("text/html", false)]
    [InlineData("text/csv;q=0, application/json", true)]
    [InlineData("image/png, text/html;q=0.5", false)]
    [InlineData("application/json;q=0", false)]
    [InlineData("application/json", true)]
    [InlineData("text/html, application/*;q=0.1", true)]
    [InlineData("*/*", true)]
    [InlineData("", true)]
    [InlineData("application/json; charset=utf-8", true)]
    [InlineData("application/json;charset=\"UTF-8\"", true)]
    [InlineData("APPLICATION/JSON ; Charset=utf8 ; q=0.5", true)]
    [InlineData("application/json; profile=x; indent=2", true)]
    [InlineData("application/json; charset=utf-16", false)]
    [InlineData("text/html, image/gif, *; q=.2, */*; q=.2", true)] // as Java's HttpURLConnection sends it
    [InlineData("*/*;q=0", false)]
    [InlineData("*/*;q=0.0, application/json;q=0.001", true)]
    [InlineData("application/*;q=0, */*", true)]
    [InlineData("text/csv; header=perhaps", false)]
    [InlineData("json", false)]
    public async Task An_Accept_that_names_no_type_of_the_answer_is_406(string accept, bool accepted)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/logprob") { Content = new StringContent(Good, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using HttpResponseMessage response = await http.SendAsync(request);

        if (accepted)
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        else
            Assert.Equal("not-acceptable", (await Calls.ProblemAsync(response, HttpStatusCode.NotAcceptable)).Type());
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("application/json; charset=\"utf-8\"")]
    [InlineData("application/json;charset=UTF8")]
    [InlineData("application/json; charset=us-ascii")]
    [InlineData("Application/JSON ; Charset = utf-8")]
    [InlineData("application/json;")]
    [InlineData("application/json; charset=utf-8 ; ")]
    [InlineData("application/json; odata=verbose")]
    public async Task A_content_type_is_read_however_it_is_written(string type)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(Good));
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        content.Headers.TryAddWithoutValidation("Content-Encoding", "");
        using HttpResponseMessage response = await http.PostAsync("/logprob", content);

        Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("text/plain", null)]
    [InlineData("application/x-www-form-urlencoded", null)]
    [InlineData("application/json; charset=utf-16", null)]
    [InlineData("application/json; charset=\"iso-8859-1\"", null)]
    [InlineData("application/json", "zstd")]
    [InlineData(null, null)]
    public async Task Another_media_type_or_encoding_is_415(string? type, string? encoding)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(Good));
        content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        if (encoding is not null)
            content.Headers.ContentEncoding.Add(encoding);
        using HttpResponseMessage response = await http.PostAsync("/logprob", content);

        Assert.Equal("unsupported-media-type", (await Calls.ProblemAsync(response, HttpStatusCode.UnsupportedMediaType)).Type());
    }
}
