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
}
