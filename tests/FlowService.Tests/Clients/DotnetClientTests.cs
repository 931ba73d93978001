using System.Net;
using System.Text;
using FlowService.Client;
using FlowService.Tests.Support;

namespace FlowService.Tests.Clients;

/// <summary>The .NET client against the real service.</summary>
public sealed class DotnetClientTests(SharedService service)
{
    private readonly FlowClient client = new(service.Http) { Model = "two-moons" };

    [Fact]
    public async Task Rows_are_scored_and_anomalies_explained()
    {
        ScoreAnswer answer = await client.ScoreAsync([[0, 0.1f], [30, -30]], new() { Alpha = 0.05, Explain = 2, QValues = true });

        Assert.Equal([false, true], answer.Anomaly);
        Assert.Equal((400, 1f / 401), (answer.CalibrationRows, answer.PMin));
        Assert.Null(answer.Attribution![0]);
        Assert.Equal(["x_0", "x_1"], answer.Attribution[1]!.Select(reason => reason.Feature).Order());
        Assert.True(answer.Severity[1] > 0.5 && answer.QValue![1] < 0.01);
    }

    [Fact]
    public async Task A_missing_value_is_NaN()
    {
        ScoreAnswer answer = await client.ScoreAsync([[0, float.NaN], [30, float.NaN]], new() { Alpha = 0.05, Marginalize = true });

        Assert.Equal([1, 1], answer.NMissing!);
        Assert.Equal([false, true], answer.Anomaly);
    }

    [Fact]
    public async Task Samples_go_to_latents_and_back()
    {
        SampleAnswer drawn = await client.SampleAsync(50, seed: 7);
        float[][] rows = [.. drawn.Samples.Select(row => row.Select(value => value!.Value).ToArray())];

        EncodeAnswer latents = await client.EncodeAsync(rows);
        DecodeAnswer back = await client.DecodeAsync([.. latents.Z.Select(row => row.Select(value => value!.Value).ToArray())]);

        Assert.Equal(7ul, drawn.Seed);
        Assert.Equal(rows.SelectMany(row => row), back.X.SelectMany(row => row).Select(value => value!.Value), (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Fact]
    public async Task A_table_of_any_size_passes_through()
    {
        using var rows = new MemoryStream(Encoding.UTF8.GetBytes("id,x_0,x_1\n" + string.Concat(Enumerable.Range(0, 30000).Select(i => $"{i},{i % 7},{i % 5}\n"))));
        using MemoryStream scored = new(), parquet = new();

        await client.ScoreAsync(rows, TableFormat.Csv, scored, new() { Alpha = 0.05, QValues = true });
        rows.Position = 0;
        await client.ScoreAsync(rows, TableFormat.Csv, parquet, scoredFormat: TableFormat.Parquet);

        string[] lines = Encoding.UTF8.GetString(scored.ToArray()).TrimEnd('\n').Split('\n');
        Assert.Equal((30001, "id,x_0,x_1,log_prob,p_value,q_value,severity,anomaly,error"), (lines.Length, lines[0]));
        Assert.Equal("PAR1"u8.ToArray(), parquet.ToArray()[..4]);
    }

    [Fact]
    public async Task A_refusal_says_why()
    {
        FlowServiceException width = await Assert.ThrowsAsync<FlowServiceException>(() => client.EncodeAsync([[1, 2, 3]]));
        FlowServiceException unknown = await Assert.ThrowsAsync<FlowServiceException>(() => new FlowClient(service.Http) { Model = "nobody" }.SampleAsync(1));

        Assert.Equal((HttpStatusCode.UnprocessableEntity, "urn:flowservice:wrong-width"), (width.Status, width.Type));
        Assert.Contains("takes 2", width.Message, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, unknown.Status);
    }

    [Fact]
    public async Task What_JSON_has_no_number_for_is_refused_by_its_place()
    {
        float[][] rows = [[0, 1], [0, float.NaN], [float.NegativeInfinity, 0]];
        ScoreAnswer scored = await client.ScoreAsync(rows);

        Assert.Equal([false, true, true], scored.LogProb.Select(density => density is null));
        Assert.Contains("row 2, column 0 is too large", scored.Error![2], StringComparison.Ordinal);
        Assert.Contains("row 1, column 1 is null", await RefusedAsync(client.LogProbAsync(rows)), StringComparison.Ordinal);
        Assert.Contains("row 0, column 0 is too large", await RefusedAsync(client.DecodeAsync([[float.PositiveInfinity, 0]])), StringComparison.Ordinal);
        Assert.Contains("context: row 0, column 0 is null", await RefusedAsync(client.SampleAsync(1, context: [[float.NaN]])), StringComparison.Ordinal);
        Assert.Contains("alpha must be a number", await RefusedAsync(client.ScoreAsync(rows, new() { Alpha = double.NaN })), StringComparison.Ordinal);
        Assert.Contains("temperature must be a number", await RefusedAsync(client.SampleAsync(1, temperature: double.NaN)), StringComparison.Ordinal);
        Assert.Contains("row 0 is null", await RefusedAsync(client.LogProbAsync([null!])), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_takes_longer_than_rows_may_and_brings_its_own_context()
    {
        var hasty = new FlowClient($"{service.Host.Address}") { Model = "two-moons", Timeout = TimeSpan.FromTicks(1) };
        using MemoryStream rows = new("x_0,x_1\n0,1\n"u8.ToArray()), scored = new();

        await hasty.ScoreAsync(rows, TableFormat.Csv, scored);

        Assert.NotEqual(0, scored.Length);
        Assert.Contains("has not answered within", (await Assert.ThrowsAsync<TaskCanceledException>(() => hasty.LogProbAsync([[0, 1]]))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => client.ScoreAsync(rows, TableFormat.Csv, scored, new() { Context = [[1]] }));
    }

    [Fact]
    public async Task An_address_may_have_a_path_and_may_be_wrong()
    {
        var page = new FlowClient(new HttpClient(new Page()) { BaseAddress = new("http://flows.example/flow") });

        Assert.Contains("is http://flows.example/flow its address?", await RefusedAsync(page.LogProbAsync([[0, 1]])), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new FlowClient("localhost:8080"));
    }

    private static async Task<string> RefusedAsync(Task answer) => (await Assert.ThrowsAsync<FlowServiceException>(() => answer)).Message;

    // A web page at one address, where the service is thought to be.
    private sealed class Page : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(
            new HttpResponseMessage(request.RequestUri!.AbsolutePath == "/flow/logprob" ? HttpStatusCode.OK : HttpStatusCode.NotFound) { Content = new StringContent("<html>") });
    }
}
