using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using FlowCore.Densities;
using FlowRows;
using FlowRows.Buffers;
using FlowService.Limits;
using FlowService.Requests;

namespace FlowBenchmarks;

/// <summary>A JSON body of rows into one flat buffer, against binding it to float[][] as a hand-written server does.</summary>
[MemoryDiagnoser]
public class JsonDecodingBenchmark
{
    private const int Features = 30;

    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    private readonly RowLimits limits = new LimitsOptions().ForRows;
    private readonly RowPool pool = new();
    private byte[] body = [];

    [Params(1, 64, 1000)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void Write()
    {
        var values = new float[Rows * Features];
        Noise.FillNormal(1, 0, Features, values.AsSpan());
        IEnumerable<string> rows = values.Chunk(Features)
            .Select(row => $"[{string.Join(',', row.Select(value => value.ToString(CultureInfo.InvariantCulture)))}]");
        body = Encoding.UTF8.GetBytes($$"""{"model":"benchmark","x":[{{string.Join(',', rows)}}]}""");
    }

    [Benchmark(Baseline = true)]
    public int BindToJaggedArrays() => JsonSerializer.Deserialize<Bound>(body, Web)!.X.Length;

    [Benchmark]
    public int ParseIntoPooledRows()
    {
        using var request = new RowRequest();
        var parser = new JsonRequestParser(request, new FieldSet(RequestFields.Model, RequestFields.X), limits, pool);
        parser.Take(new ReadOnlySequence<byte>(body), isLast: true);
        return request.Rows!.Rows;
    }

    public sealed record Bound(string Model, float[][] X);
}
