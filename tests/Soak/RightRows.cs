using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using Parquet;
using Parquet.Schema;
using Field = Apache.Arrow.Field;

namespace Soak;

/// <summary>Rows of two columns whose right log-likelihoods are known, and how each format writes them.</summary>
internal sealed class RightRows
{
    public const int Columns = 2;
    private const int Pool = 512, Few = 20;
    private const float BothWays = 1e-4f;

    private readonly FlowEngine<float> engine;
    private readonly float tolerance;
    private readonly float[] rows = new float[Pool * Columns], right;

    /// <param name="folder">The model's own folder: what is right is computed here, without a service.</param>
    /// <param name="tolerance">The largest relative error of an answer: none from the same engine, whatever batch it was computed in.</param>
    public RightRows(string folder, float tolerance)
    {
        this.tolerance = tolerance;
        engine = Engine.Open<float>(Checkpoint.Read(folder));
        var random = new Random(1);
        for (int i = 0; i < rows.Length; i++)
            rows[i] = 3 * random.NextSingle() - 1;
        right = LogDensities(rows);
    }

    /// <summary>Some of the rows: few, and now and then many.</summary>
    public static Range Some(Random random)
    {
        int count = random.Next(20) == 0 ? random.Next(1, Pool) : random.Next(1, Few);
        int first = random.Next(Pool - count);
        return first..(first + count);
    }

    /// <summary>Compares answers with the right ones.</summary>
    /// <exception cref="InvalidOperationException">One is wrong.</exception>
    public void Check(string what, Range asked, ReadOnlySpan<float> answers) => Check(what, right.AsSpan(asked), answers, tolerance);

    /// <summary>Compares the densities that a service names for its samples, which came by the other direction, with those which they have.</summary>
    /// <exception cref="InvalidOperationException">One is wrong.</exception>
    public void CheckSamples(float[] samples, float[] answers) => Check("samples", LogDensities(samples), answers, BothWays);

    public byte[] Json(string model, Range asked) => Encoding.UTF8.GetBytes($$"""{"model":"{{model}}","x":[{{Text(asked, "[", ",", "]")}}]}""");

    public byte[] Csv(Range asked) => Encoding.UTF8.GetBytes("x,y\n" + Text(asked, "", "\n", "") + "\n");

    public byte[] Ndjson(Range asked) => Encoding.UTF8.GetBytes(Text(asked, "{\"x\":", "\n", "}", ",\"y\":") + "\n");

    public byte[] V2(Range asked) => Encoding.UTF8.GetBytes(
        $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[{{right[asked].Length}},{{Columns}}],"data":[{{Text(asked, "[", ",", "]")}}]}],"outputs":[{"name":"log_prob"}]}""");

    public byte[] Npy(Range asked)
    {
        ReadOnlySpan<byte> values = Bytes(asked);
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({values.Length / sizeof(float) / Columns}, {Columns}), }}";
        header = header.PadRight((header.Length + Answers.NpyPreamble + 64) / 64 * 64 - Answers.NpyPreamble - 1) + '\n';
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.ASCII.GetBytes(header), .. values];
    }

    public byte[] Arrow(Range asked)
    {
        Schema schema = new Schema.Builder().Field(new Field("x", FloatType.Default, false)).Field(new Field("y", FloatType.Default, false)).Build();
        FloatArray Of(float[] column) => new FloatArray.Builder().AppendRange(column).Build();
        using var bytes = new MemoryStream();
        using (var writer = new ArrowStreamWriter(bytes, schema, leaveOpen: true))
        {
            writer.WriteRecordBatch(new RecordBatch(schema, [Of(Column(asked, 0)), Of(Column(asked, 1))], right[asked].Length));
            writer.WriteEnd();
        }
        return bytes.ToArray();
    }

    public async Task<byte[]> ParquetAsync(Range asked)
    {
        DataField[] fields = [new DataField<float>("x"), new DataField<float>("y")];
        using var bytes = new MemoryStream();
        await using (ParquetWriter parquet = await ParquetWriter.CreateAsync(new ParquetSchema(fields), bytes))
        {
            using ParquetRowGroupWriter group = parquet.CreateRowGroup();
            for (int i = 0; i < Columns; i++)
                await group.WriteAsync<float>(fields[i], Column(asked, i).AsMemory());
        }
        return bytes.ToArray();
    }

    /// <summary>The values as they lie in memory, which is how gRPC sends them.</summary>
    public ReadOnlySpan<byte> Bytes(Range asked)
    {
        var (first, count) = asked.GetOffsetAndLength(Pool);
        return MemoryMarshal.AsBytes(rows.AsSpan(first * Columns, count * Columns));
    }

    private float[] Column(Range asked, int column)
    {
        var (first, count) = asked.GetOffsetAndLength(Pool);
        return [.. Enumerable.Range(first, count).Select(row => rows[row * Columns + column])];
    }

    private string Text(Range asked, string begin, string between, string end, string comma = ",")
    {
        var (first, count) = asked.GetOffsetAndLength(Pool);
        return string.Join(between, Enumerable.Range(first, count).Select(row =>
            string.Create(CultureInfo.InvariantCulture, $"{begin}{rows[row * Columns]:R}{comma}{rows[row * Columns + 1]:R}{end}")));
    }

    private float[] LogDensities(float[] x)
    {
        var values = new float[x.Length / Columns];
        lock (engine)
            engine.Forward(x, [], [], new float[values.Length], values);
        return values;
    }

    private void Check(string what, ReadOnlySpan<float> expected, ReadOnlySpan<float> answers, float tolerance)
    {
        if (answers.Length != expected.Length)
            throw new InvalidOperationException($"{what}: {answers.Length} answers to {expected.Length} rows");
        for (int i = 0; i < answers.Length; i++)
            if (!(Math.Abs(answers[i] - expected[i]) <= tolerance * (1 + Math.Abs(expected[i]))))
                throw new InvalidOperationException($"{what}: row {i} is {answers[i]:R}, and {expected[i]:R} is right");
    }
}
