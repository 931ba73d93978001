using System.Net.Http.Json;
using System.Text.Json;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowService.Tests.Support;

namespace FlowService.Tests.Models;

/// <summary>The shipped models, as a user meets them.</summary>
public sealed class DemoModelTests
{
    private static string Repository => Path.Combine(AppContext.BaseDirectory, "models");

    [Theory]
    [InlineData("two-moons")]
    [InlineData("breast-cancer")]
    public async Task Served_log_densities_agree_with_float64(string name)
    {
        await using ServiceHost host = await ServiceHost.StartAsync(Repository);
        using HttpClient client = host.Http();
        using var exact = new TorchEngine<double>(Checkpoint.Read(Path.Combine(Repository, name, "1")).BuildFlow());
        HttpResponseMessage drawn = await client.PostAsJsonAsync("/sample", new { model = name, count = 200, seed = 5 });
        float[][] x = [.. Array(await drawn.Content.ReadFromJsonAsync<JsonElement>(), "samples").Select(row => row.Deserialize<float[]>()!)];
        HttpResponseMessage scored = await client.PostAsJsonAsync("/logprob", new { model = name, x });
        double[] served = [.. Array(await scored.Content.ReadFromJsonAsync<JsonElement>(), "log_prob").Select(value => value.GetDouble())];

        double[] rows = [.. x.SelectMany(row => row.Select(value => (double)value))], expected = new double[served.Length];
        exact.Forward(rows, default, new double[rows.Length], new double[served.Length], expected);
        // Log densities of 30 features reach 60 nats: the distance is relative there.
        double worst = served.Zip(expected, (s, e) => Math.Abs(s - e) / (1 + Math.Abs(e))).Max();
        Assert.True(worst <= 1e-4, $"{name}: {worst:g3}");
    }

    private static JsonElement.ArrayEnumerator Array(JsonElement json, string name) => json.GetProperty(name).EnumerateArray();
}
