using System.Net;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

/// <summary>Latents on their way to data.</summary>
public sealed class LayersTests(SharedService service)
{
    private const int Layers = 4;

    private readonly HttpClient http = service.Http;

    [Theory]
    [InlineData("two-moons", "[[0.5,-1],[0,0]]", "")]
    [InlineData("posterior", "[[0.5,-1,2],[0,0,0]]", ",\"context\":[0.25,-0.5]")]
    [InlineData("posterior", "[[0.5,-1,2],[0,0,0]]", ",\"context\":[[0.25,-0.5],[1,1]]")]
    public async Task The_last_place_is_what_decode_answers(string model, string z, string context)
    {
        JsonElement layers = await http.AskAsync("/layers", $$"""{"model":"{{model}}","z":{{z}}{{context}}}""");
        JsonElement decoded = await http.AskAsync("/decode", $$"""{"model":"{{model}}","z":{{z}}{{context}},"include":["log_prob"]}""");

        JsonElement[] places = [.. layers.GetProperty("x").EnumerateArray()];
        Assert.Equal(Enumerable.Repeat("coupling", Layers), layers.GetProperty("layers").EnumerateArray().Select(kind => kind.GetString()));
        Assert.Equal(Layers + 1, places.Length);
        Assert.Equal(JsonSerializer.Deserialize<float[][]>(z)!.SelectMany(row => row), Floats(places[0]));
        Assert.Equal(decoded.Rows("x").SelectMany(row => row), Floats(places[^1]), Near.Float);
        Assert.Equal(decoded.Floats("log_prob"), layers.GetProperty("log_prob")[Layers].EnumerateArray().Select(value => value.GetSingle()), Near.Float);
    }

    [Fact]
    public async Task NumPy_has_the_log_density_behind_the_features()
    {
        JsonElement json = await http.AskAsync("/layers", """{"model":"two-moons","z":[[0.5,-1],[0,0]]}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/layers")
        {
            Content = new StringContent("""{"model":"two-moons","z":[[0.5,-1],[0,0]]}""", null, "application/json"),
            Headers = { Accept = { new("application/x-npy") } },
        };
        using HttpResponseMessage response = await http.SendAsync(request);

        Npy answer = Npy.Read(await response.Content.ReadAsByteArrayAsync());

        Assert.Equal([Layers + 1, 2, 3], answer.Shape);
        Assert.Equal(json.GetProperty("x").EnumerateArray().SelectMany(Floats), answer.Floats.Where((_, i) => i % 3 < 2));
        Assert.Equal(json.GetProperty("log_prob").EnumerateArray().SelectMany(place => place.EnumerateArray()).Select(value => value.GetSingle()), answer.Floats.Where((_, i) => i % 3 == 2));
    }

    [Theory]
    [InlineData("""{"model":"wide","z":[[0]]}""", "at most 16 features")]
    [InlineData("""{"model":"two-moons"}""", "z is missing")]
    [InlineData("""{"model":"two-moons","z":[[1,2,3]]}""", "takes 2")]
    [InlineData("""{"model":"posterior","z":[[1,2,3]]}""", "context is missing")]
    [InlineData("""{"model":"two-moons","z":[[0,1]],"include":["z"]}""", "include")]
    public async Task What_does_not_fit_is_refused(string json, string expected)
    {
        JsonElement problem = await http.RefusedAsync("/layers", json, HttpStatusCode.UnprocessableEntity);

        Assert.Contains(expected, problem.Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_latents_are_refused()
    {
        string rows = string.Join(',', Enumerable.Repeat("[0,0]", 10_001));

        JsonElement problem = await http.RefusedAsync("/layers", $$"""{"model":"two-moons","z":[{{rows}}]}""", HttpStatusCode.RequestEntityTooLarge);

        Assert.Equal("too-many-rows", problem.Type());
    }

    [Fact]
    public async Task Latents_take_places_of_the_queue_and_their_answer_has_limits_and_timings()
    {
        using TemporaryFolder repository = new();
        TestModels.Write(repository.Path, TestModels.Spec(TestModels.Plain, 2));
        using var hook = new EngineHook();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, hook.Engines,
            ("Batching:BatchRows", "4"), ("Batching:QueueRows", "4"), ("Limits:RowsPerRequest", "4"), ("Limits:SamplesPerRequest", "4"), ("Limits:ValuesPerRequest", "50"));
        using HttpClient own = host.Http();
        hook.Hold();
        Task computed = own.AskAsync("/logprob", """{"x":[[0,1]]}""");
        await hook.Entered();
        Task waiting = own.AskAsync("/logprob", """{"x":[[0,0],[0,1],[0,2],[0,3]]}""");
        await Eventually.TrueAsync(() => host.QueuedRows == 4, "four rows wait");

        JsonElement full = await own.RefusedAsync("/layers", """{"z":[[0,0]]}""", HttpStatusCode.TooManyRequests);
        hook.Release();
        await Task.WhenAll(computed, waiting);
        JsonElement large = await own.RefusedAsync("/layers", """{"z":[[0,0],[0,1],[0,2],[0,3]]}""", HttpStatusCode.RequestEntityTooLarge);
        using HttpResponseMessage answer = await own.SendAsync("/layers", """{"z":[[0,0],[0,1]],"timeout_ms":5000}""");

        Assert.Equal("queue-full", full.Type());
        Assert.Contains("Limits:ValuesPerRequest", large.Detail(), StringComparison.Ordinal);
        Assert.Contains("compute;dur=", answer.Headers.GetValues("Server-Timing").Single(), StringComparison.Ordinal);
    }

    private static IEnumerable<float> Floats(JsonElement place) => place.EnumerateArray().SelectMany(row => row.EnumerateArray()).Select(value => value.GetSingle());
}
