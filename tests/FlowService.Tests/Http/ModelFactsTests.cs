using System.Net;
using System.Text.Json;
using FlowCore;
using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

/// <summary>What is said of a model beside its description: its card, its reference rows, the scores of its calibration.</summary>
public sealed class ModelFactsTests : IAsyncLifetime
{
    private const int Calibrated = 400;

    private readonly TemporaryFolder repository = TestModels.Repository();
    private ServiceHost host = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        host = await ServiceHost.StartAsync(repository.Path);
        http = host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await host.DisposeAsync();
        repository.Dispose();
    }

    [Theory]
    [InlineData("two-moons", false)]
    [InlineData("patients", true)]
    public async Task Reference_rows_are_those_of_the_file_in_both_formats(string model, bool isConditional)
    {
        ReferenceRows expected = Calibration(model).Reference;
        JsonElement json = await GetAsync($"/models/{model}/reference");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/models/{model}/reference") { Headers = { Accept = { new(Npy.MediaType) } } };
        using HttpResponseMessage response = await http.SendAsync(request);
        Npy array = Npy.Read(await response.Content.ReadAsByteArrayAsync());

        Assert.Equal(expected.Values, json.Rows("rows").SelectMany(row => row));
        Assert.Equal(isConditional, json.TryGetProperty("context", out _));
        int width = expected.Width + (isConditional ? 1 : 0);
        Assert.Equal([expected.Count, width], array.Shape);
        Assert.Equal(expected.Values, array.Floats.Where((_, i) => i % width < expected.Width));
        if (isConditional)
            Assert.Equal(expected.Context, array.Floats.Where((_, i) => i % width >= expected.Width));
    }

    [Fact]
    public async Task Scores_give_the_p_values_of_logprob()
    {
        JsonElement facts = await GetAsync("/models/two-moons/calibration");
        double[] scores = [.. facts.GetProperty("scores").GetProperty("log_prob").EnumerateArray().Select(value => value.GetDouble())];
        JsonElement scored = await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0.5,-0.5],[3,3],[0,1]],"include":["p_value"]}""");

        Assert.Equal((Calibrated, "log_prob", Calibrated), (facts.GetProperty("rows").GetInt32(), facts.GetProperty("usual").GetString(), scores.Length));
        Assert.Equal(scores.Order(), scores);
        Assert.Equal(scored.Floats("p_value"), scored.Floats("log_prob").Select(log => (1f + scores.Count(score => score <= Math.Round(log, ConformalScale.Digits))) / (Calibrated + 1)), Near.Float);
        Assert.Equal(Calibration("two-moons").Columns.Mean, facts.GetProperty("mean").EnumerateArray().Select(value => value.GetDouble()));
    }

    [Theory]
    [InlineData("/models/wide/reference")]
    [InlineData("/models/wide/calibration")]
    public async Task A_model_without_a_calibration_says_how_to_make_one(string path)
    {
        using HttpResponseMessage response = await http.GetAsync(path);

        JsonElement problem = await Calls.ProblemAsync(response, HttpStatusCode.UnprocessableEntity);
        Assert.Equal("not-calibrated", problem.Type());
        Assert.Contains("flow calibrate", problem.Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reference_rows_can_be_kept_back()
    {
        await using ServiceHost guarded = await ServiceHost.StartAsync(repository.Path, null, ("Explorer:ReferenceRows", "false"));
        using HttpClient client = guarded.Http();
        using HttpResponseMessage rows = await client.GetAsync("/models/two-moons/reference"), scores = await client.GetAsync("/models/two-moons/calibration");

        Assert.Contains("Explorer:ReferenceRows", (await Calls.ProblemAsync(rows, HttpStatusCode.Forbidden)).Detail(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, scores.StatusCode);
    }

    [Fact]
    public async Task The_card_is_the_README_beside_the_weights()
    {
        JsonElement answer = await GetAsync("/models/two-moons/card");

        Assert.Equal(("two-moons", 1, "# A test model\n"), (answer.GetProperty("model").GetString(), answer.GetProperty("version").GetInt32(), answer.GetProperty("card").GetString()));
    }

    [Fact]
    public async Task A_model_without_a_card_serves_and_says_that_it_has_none()
    {
        TestModels.Write(repository.Path, TestModels.Spec("bare", 2));
        File.Delete(Path.Combine(repository.Path, "bare", "1", "README.md"));
        Assert.Equal("ready", (await http.AskAsync("/models/bare/load", "")).GetProperty("state").GetString());

        using HttpResponseMessage response = await http.GetAsync("/models/bare/card");

        await Calls.ProblemAsync(response, HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_bytes_of_the_weights_are_said()
    {
        long expected = Checkpoint.Read(Path.Combine(repository.Path, "two-moons", "1")).Weights.Values.Sum(tensor => (long)tensor.Data.Length);

        Assert.Equal(expected, (await GetAsync("/models/two-moons")).GetProperty("weight_bytes").GetInt64());
    }

    private CalibrationSet Calibration(string model)
    {
        string folder = Path.Combine(repository.Path, model, "1");
        FlowSpec spec = Checkpoint.Read(folder).Spec;
        return CalibrationSet.Read(folder, spec)!;
    }

    private async Task<JsonElement> GetAsync(string path) => JsonDocument.Parse(await http.GetStringAsync(path)).RootElement;
}
