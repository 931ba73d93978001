using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowService.Tests.Support;
using SkiaSharp;

namespace FlowService.Tests.Models;

/// <summary>The shipped models, as a user meets them.</summary>
public sealed class DemoModelTests
{
    private static string Repository => DemoModels.All;

    [Theory]
    [InlineData("two-moons")]
    [InlineData("spiral")]
    [InlineData("breast-cancer")]
    [InlineData("digits")]
    public async Task Served_log_densities_agree_with_float64(string name)
    {
        int[]? context = name == "digits" ? [.. Enumerable.Range(0, 10)] : null;
        int count = 200 / (context?.Length ?? 1);
        using TemporaryFolder repository = DemoModels.Repository(name);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using HttpClient client = host.Http();
        HttpResponseMessage drawn = await client.PostAsJsonAsync("/sample", new { model = name, count, seed = 5, context });
        float[][] x = [.. Array(await drawn.Content.ReadFromJsonAsync<JsonElement>(), "samples").Select(row => row.Deserialize<float[]>()!)];
        HttpResponseMessage scored = await client.PostAsJsonAsync("/logprob", new { model = name, x, context = context?.SelectMany(k => Enumerable.Repeat(k, count)) });
        double[] served = [.. Array(await scored.Content.ReadFromJsonAsync<JsonElement>(), "log_prob").Select(value => value.GetDouble())];

        double[] rows = [.. x.SelectMany(row => row.Select(value => (double)value))], expected = new double[served.Length];
        double[] conditions = [.. (context ?? []).SelectMany(k => Enumerable.Repeat((double)k, count))];
        foreach (EngineKind kind in (EngineKind[])[EngineKind.Torch, EngineKind.Compiled])
        {
            using FlowEngine<double> exact = Engine.Open<double>(Checkpoint.Read(Path.Combine(Repository, name, "1")), kind);
            exact.Forward(rows, conditions, new double[rows.Length], new double[served.Length], expected);
            // Log densities of many features reach 60 nats and more: the distance is relative there.
            double worst = served.Zip(expected, (s, e) => Math.Abs(s - e) / (1 + Math.Abs(e))).Max();
            Assert.True(worst <= 1e-4, $"{name}, {kind}: {worst:g3}");
        }
    }

    /// <summary>The rows are digits that the model draws, and one grey from edge to edge: the PNG of that is the shortest.</summary>
    [Fact]
    public async Task A_flat_picture_is_stranger_than_a_digit_once_its_complexity_is_taken_off()
    {
        const int pixels = 64, shortestPng = 57; // the signature, IHDR, IEND, and an empty IDAT
        using TemporaryFolder repository = DemoModels.Repository("digits", "two-moons");
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using HttpClient client = host.Http();
        JsonElement drawn = await client.AskAsync("/sample", """{"model":"digits","count":50,"seed":5,"context":[3]}""");
        float[][] x = [.. drawn.Rows("samples").Select(row => (float[])[.. row.Select(value => Math.Clamp(MathF.Round(value), 0, 16))]), [.. Enumerable.Repeat(8f, pixels)]];

        JsonElement answer = await client.AskAsync("/logprob",
            JsonSerializer.Serialize(new { model = "digits", x, context = (int[])[3], include = (string[])["bits_per_dim", "complexity_corrected"] }));

        float[] bits = answer.Floats("bits_per_dim"), corrected = answer.Floats("complexity_corrected");
        double[] lengths = [.. bits.Zip(corrected, (all, less) => (all - less) * pixels / 8.0 - pixels * Math.Log2(17.0 / 255) / 8)]; // the logit takes 17 to the 255 levels of a PNG
        Assert.All(lengths, length => Assert.Equal(Math.Round(length), length, 1e-3));
        Assert.All(lengths, length => Assert.InRange(length, shortestPng, shortestPng + 2 * pixels));
        Assert.Equal(lengths.Min(), lengths[^1]);
        Assert.True(corrected[^1] > corrected[..^1].Max());
        await client.RefusedAsync("/logprob", """{"model":"two-moons","x":[[0,1]],"include":["complexity_corrected"]}""", HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task The_examples_of_the_description_are_true()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(Repository);
        using HttpClient client = host.Http();
        JsonElement description = JsonDocument.Parse(await client.GetStringAsync("/swagger/v1/swagger.json")).RootElement;
        int compared = 0;

        foreach (JsonProperty path in description.GetProperty("paths").EnumerateObject())
            if (path.Value.TryGetProperty("post", out JsonElement operation) && operation.TryGetProperty("requestBody", out JsonElement body)
                && operation.GetProperty("responses").GetProperty("200").TryGetProperty("content", out JsonElement answer))
                foreach ((string name, JsonElement expected) in Examples(answer))
                {
                    JsonElement actual = await client.AskAsync(path.Name.Replace("{name}", "two-moons", StringComparison.Ordinal), Examples(body.GetProperty("content")).Single(example => example.Name == name).Value.GetRawText());
                    Assert.True(IsSame(expected, actual), $"{path.Name}: {actual.GetRawText()}");
                    compared++;
                }

        Assert.Equal(7, compared);
    }

    private static IEnumerable<(string Name, JsonElement Value)> Examples(JsonElement content)
    {
        if (!content.TryGetProperty("application/json", out JsonElement json))
            yield break;
        if (json.TryGetProperty("example", out JsonElement only))
            yield return ("", only);
        if (json.TryGetProperty("examples", out JsonElement named))
            foreach (JsonProperty each in named.EnumerateObject())
                yield return (each.Name, each.Value.GetProperty("value"));
    }

    private static bool IsSame(JsonElement a, JsonElement b) => (a.ValueKind, b.ValueKind) switch
    {
        (JsonValueKind.Number, JsonValueKind.Number) => a.GetSingle() == b.GetSingle(), // Swagger writes exponents in its own way
        (JsonValueKind.Array, JsonValueKind.Array) => a.GetArrayLength() == b.GetArrayLength() && a.EnumerateArray().Zip(b.EnumerateArray()).All(pair => IsSame(pair.First, pair.Second)),
        (JsonValueKind.Object, JsonValueKind.Object) => a.EnumerateObject().Select(each => each.Name).SequenceEqual(b.EnumerateObject().Select(each => each.Name))
            && a.EnumerateObject().All(each => IsSame(each.Value, b.GetProperty(each.Name))),
        (JsonValueKind.String, JsonValueKind.String) => a.ValueEquals(b.GetString()),
        _ => a.ValueKind == b.ValueKind,
    };

    [Fact]
    public async Task The_first_example_of_sample_is_a_picture_where_one_is_asked_for()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(Repository);
        using HttpClient client = host.Http();
        JsonElement document = await client.GetFromJsonAsync<JsonElement>("/swagger/v1/swagger.json");
        JsonElement example = document.GetProperty("paths").GetProperty("/sample").GetProperty("post").GetProperty("requestBody")
            .GetProperty("content").GetProperty("application/json").GetProperty("examples").EnumerateObject().First().Value.GetProperty("value");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/sample") { Content = JsonContent.Create(example) };
        request.Headers.Accept.ParseAdd("image/png");
        HttpResponseMessage answer = await client.SendAsync(request);
        using SKBitmap picture = SKBitmap.Decode(await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal((3 * 66 + 2, 3 * 66 + 2), (picture.Width, picture.Height)); // a line for each class
        Assert.True(picture.Pixels.Average(color => (double)color.Red) is > 30 and < 225);
    }

    private static JsonElement.ArrayEnumerator Array(JsonElement json, string name) => json.GetProperty(name).EnumerateArray();
}
