using System.Net;
using System.Text;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

/// <summary>What is too large, in a service with small limits.</summary>
public sealed class LimitTests : IAsyncLifetime
{
    private readonly TemporaryFolder repository = new();
    private ServiceHost host = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        TestModels.Write(repository.Path, TestModels.Spec(TestModels.Plain, 2));
        host = await ServiceHost.StartAsync(repository.Path, null,
            ("Limits:BodyBytes", "2048"), ("Limits:RowsPerRequest", "20"), ("Limits:SamplesPerRequest", "30"), ("Limits:ValuesPerRequest", "50"));
        http = host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await host.DisposeAsync();
        repository.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_beyond_the_limit_is_413_whether_its_length_is_announced_or_not(bool chunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/logprob");
        request.Content = new StringContent($$"""{"model":"two-moons",{{new string(' ', 4000)}}"x":[[0,1]]}""", Encoding.UTF8, "application/json");
        request.Headers.TransferEncodingChunked = chunked;
        using HttpResponseMessage response = await http.SendAsync(request);

        JsonElement problem = await Calls.ProblemAsync(response, HttpStatusCode.RequestEntityTooLarge);

        Assert.Equal("body-too-large", problem.Type());
        await StillAnswersAsync();
    }

    [Fact]
    public async Task More_rows_than_the_limit_are_413()
    {
        string rows = string.Join(',', Enumerable.Repeat("[0,1]", 21));
        JsonElement problem = await http.RefusedAsync("/logprob", $$"""{"model":"two-moons","x":[{{rows}}]}""", HttpStatusCode.RequestEntityTooLarge);

        Assert.Equal("too-many-rows", problem.Type());
        Assert.Contains("Limits:RowsPerRequest", problem.Detail(), StringComparison.Ordinal);
        await StillAnswersAsync();
    }

    [Fact]
    public async Task More_values_than_the_limit_are_413_even_in_one_row()
    {
        string row = string.Join(',', Enumerable.Repeat("0", 51));
        JsonElement problem = await http.RefusedAsync("/logprob", $$"""{"model":"two-moons","x":[[{{row}}]]}""", HttpStatusCode.RequestEntityTooLarge);

        Assert.Contains("Limits:ValuesPerRequest", problem.Detail(), StringComparison.Ordinal);
        await StillAnswersAsync();
    }

    [Fact]
    public async Task More_samples_than_the_limit_are_422()
    {
        await http.AskAsync("/sample", """{"count":25}""");
        Assert.Contains("1..30", (await http.RefusedAsync("/sample", """{"count":31}""", HttpStatusCode.UnprocessableEntity)).Detail(), StringComparison.Ordinal);
        Assert.Contains("50 values", (await http.RefusedAsync("/sample", """{"count":26}""", HttpStatusCode.UnprocessableEntity)).Detail(), StringComparison.Ordinal);
    }

    private async Task StillAnswersAsync() => _ = await http.AskAsync("/logprob", """{"x":[[0,1]]}""");
}
