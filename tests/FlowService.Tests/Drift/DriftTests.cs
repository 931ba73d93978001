using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlowService.Tests.Support;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.Drift;

/// <summary>Drift over HTTP. The model was calibrated with normal rows.</summary>
public sealed class DriftTests : IAsyncLifetime
{
    private readonly TemporaryFolder repository = new();
    private readonly Random random = new(1);
    private ServiceHost host = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        TestModels.Write(repository.Path, TestModels.Spec("m", 2) with { Features = ["height", "weight"] }, calibrationRows: 800);
        TestModels.Write(repository.Path, TestModels.Spec("plain", 2));
        TestModels.Write(repository.Path, TestModels.Identity("wide", 65), calibrationRows: 100);
        host = await ServiceHost.StartAsync(repository.Path);
        http = host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await host.DisposeAsync();
        repository.Dispose();
    }

    [Fact]
    public async Task Rows_like_the_calibration_change_nothing_and_a_shifted_column_is_named()
    {
        await SendAsync(requests: 40, rows: 10, shift: 0);
        JsonElement still = await DriftAsync();
        await SendAsync(requests: 20, rows: 10, shift: 0.8);
        JsonElement changed = await DriftAsync();

        Assert.Equal((200, 400, 0), (still.GetProperty("rows").GetInt32(), still.GetProperty("seen").GetInt32(), still.GetProperty("changed").GetArrayLength()));
        Assert.Equal(1, still.GetProperty("p_values").EnumerateArray().Sum(share => share.GetDouble()), 1e-9);
        Assert.InRange(still.GetProperty("typicality").GetProperty("p_value").GetDouble(), 0.01, 1);
        Assert.Equal(["weight"], changed.GetProperty("changed").EnumerateArray().Select(each => each.GetString()).Where(each => each is "height" or "weight"));
        JsonElement[] columns = [.. changed.GetProperty("columns").EnumerateArray()];
        Assert.True(columns[1].GetProperty("psi").GetDouble() > columns[1].GetProperty("limit").GetDouble());
    }

    [Fact]
    public async Task Of_a_large_request_a_few_rows_are_seen_in_any_protocol_and_none_that_nobody_could_read()
    {
        await SendAsync(requests: 1, rows: 1000, shift: 0);
        int sampled = (await DriftAsync()).GetProperty("seen").GetInt32();
        await http.AskAsync("/v2/models/m/infer", """{"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[0,1,2,3]}]}""");
        await http.AskAsync("/logprob", """{"model":"m","on_error":"null","x":[[0,1],[0,null],[1,1]]}""");
        await http.AskAsync("/logprob", """{"model":"m","missing":"marginalize","include":["p_value"],"x":[[0,1],[0,null],[1,1]]}""");
        await http.AskAsync("/encode", """{"model":"m","x":[[0,1]]}""");
        using var probe = new HttpRequestMessage(HttpMethod.Post, "/logprob") { Content = JsonContent.Create(new { model = "m", x = new[] { new[] { 0, 1 } } }), Headers = { { "Flow-Probe", "true" } } };
        using HttpResponseMessage asked = await http.SendAsync(probe);
        Assert.Equal(HttpStatusCode.OK, asked.StatusCode);

        Assert.Equal(16, sampled);
        Assert.Equal(sampled + 2 + 2 + 2, (await DriftAsync()).GetProperty("seen").GetInt32());
    }

    [Fact]
    public async Task Odd_rows_are_counted_by_reason_and_p_values_in_a_histogram()
    {
        using MetricCollector<long> odd = host.Metric<long>("flowservice.rows.odd");
        using MetricCollector<double> p = host.Metric<double>("flowservice.p_value");
        await http.AskAsync("/score", """{"model":"m","x":[[0,1],[0,null],[1e30,1]]}""");
        await http.AskAsync("/logprob", """{"model":"m","missing":"marginalize","include":["p_value"],"x":[[0,1],[0,null],[1,1]]}""");

        Assert.Equal([("unreadable", 1), ("non_finite", 1), ("missing", 1)], odd.GetMeasurementSnapshot().Select(each => ((string)each.Tags["reason"]!, each.Value)));
        double[] values = [.. p.GetMeasurementSnapshot().Select(each => each.Value)];
        Assert.Equal(4, values.Length);
        Assert.Equal(1.0 / 801, values[1]);
    }

    [Fact]
    public async Task Gauges_have_a_series_for_each_of_a_few_columns_and_none_for_many()
    {
        await SendAsync(requests: 20, rows: 10, shift: 2);
        using MetricCollector<double> psi = host.Metric<double>("flowservice.drift.psi"), limit = host.Metric<double>("flowservice.drift.psi.limit"),
            score = host.Metric<double>("flowservice.drift.score.psi"), scoreLimit = host.Metric<double>("flowservice.drift.score.psi.limit"),
            outside = host.Metric<double>("flowservice.drift.outside"), evidence = host.Metric<double>("flowservice.drift.evidence"), rows = host.Metric<double>("flowservice.drift.rows");
        using MetricCollector<int> alarms = host.Metric<int>("flowservice.drift.alarms");
        MetricCollector<double>[] all = [psi, limit, score, scoreLimit, outside, evidence, rows];
        foreach (MetricCollector<double> each in all)
            each.RecordObservableInstruments();
        alarms.RecordObservableInstruments();

        Assert.Equal(["m height", "m weight"], psi.GetMeasurementSnapshot().Select(each => $"{each.Tags["model"]} {each.Tags["column"]}"));
        double[] columns = [.. psi.GetMeasurementSnapshot().Select(each => each.Value)], limits = [.. limit.GetMeasurementSnapshot().Select(each => each.Value)];
        Assert.True(columns[0] < limits[0] && columns[1] > limits[1]);
        Assert.Equal(200, rows.GetMeasurementSnapshot().Single(each => (string?)each.Tags["model"] == "m").Value);
        Assert.All(score.GetMeasurementSnapshot().Concat(scoreLimit.GetMeasurementSnapshot()).Concat(evidence.GetMeasurementSnapshot()), each => Assert.True(double.IsFinite(each.Value)));
        Assert.InRange(outside.GetMeasurementSnapshot()[1].Value, 0.001, 0.5);
        Assert.Equal(
            ["m column 1", "m martingale 1", "wide column 0", "wide martingale 0"],
            alarms.GetMeasurementSnapshot().Where(each => (string?)each.Tags["kind"] != "score").Select(each => $"{each.Tags["model"]} {each.Tags["kind"]} {each.Value}"));
    }

    [Fact]
    public async Task A_model_without_calibration_says_what_it_lacks()
    {
        using HttpResponseMessage response = await http.GetAsync("/models/plain/drift"), unknown = await http.GetAsync("/models/none/drift");

        Assert.Contains("flow calibrate", (await Calls.ProblemAsync(response, HttpStatusCode.UnprocessableEntity)).Detail(), StringComparison.Ordinal);
        await Calls.ProblemAsync(unknown, HttpStatusCode.NotFound);
    }

    private async Task SendAsync(int requests, int rows, double shift)
    {
        for (int request = 0; request < requests; request++)
            await http.AskAsync("/logprob", $$"""{"model":"m","x":[{{string.Join(',', Enumerable.Range(0, rows).Select(_ =>
                string.Create(CultureInfo.InvariantCulture, $"[{Normal()},{Normal() + shift}]")))}}]}""");
    }

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private async Task<JsonElement> DriftAsync() => JsonDocument.Parse(await http.GetStringAsync("/models/m/drift")).RootElement.Clone();
}
