using System.Net;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using FlowService.Tests.Support;

namespace FlowService.Tests.Formats;

public sealed class ArrowTests(SharedService service)
{
    private const string MediaType = "application/vnd.apache.arrow.stream", Patients = "/logprob?model=patients";

    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task Columns_are_found_by_name_whatever_their_type()
    {
        float[] expected = (await http.AskAsync("/logprob", """{"model":"patients","x":[[1,2],[3,4]],"context":[[0.5],[0.75]]}""")).Floats("log_prob");

        RecordBatch answer = await AskAsync(Patients, Batch(
            ("weight", new Int32Array.Builder().AppendRange([2, 4]).Build()),
            ("age", new DoubleArray.Builder().AppendRange([0.5, 0.75]).Build()),
            ("height", Floats(1, 3))));

        Assert.Equal(["log_prob"], answer.Schema.FieldsList.Select(field => field.Name));
        Assert.Equal(expected, ((FloatArray)answer.Column(0)).Values.ToArray());
    }

    [Fact, Trait("Engine", "compiled")]
    public async Task Batches_come_one_after_the_other()
    {
        RecordBatch whole = await AskAsync(Patients, Patient(1, 2, 0.5f, 3, 4, 0.75f));
        RecordBatch parted = await AskAsync(Patients, Patient(1, 2, 0.5f), Patient(), Patient(3, 4, 0.75f));

        Assert.Equal(((FloatArray)whole.Column(0)).Values.ToArray(), ((FloatArray)parted.Column(0)).Values.ToArray());
    }

    [Fact]
    public async Task Lists_bring_all_values_of_a_row()
    {
        float[] expected = (await http.AskAsync("/logprob", """{"model":"posterior","x":[[1,2,3],[4,5,6]],"context":[[0,1],[2,3]]}""")).Floats("log_prob");
        var three = new FixedSizeListType(FloatType.Default, 3);
        var fixedSize = new FixedSizeListArray(three, 2, Floats(1, 2, 3, 4, 5, 6), ArrowBuffer.Empty);
        var context = new ListArray.Builder(DoubleType.Default);
        foreach (double[] row in new[] { new double[] { 0, 1 }, [2, 3] })
        {
            context.Append();
            ((DoubleArray.Builder)context.ValueBuilder).AppendRange(row);
        }

        RecordBatch answer = await AskAsync("/logprob?model=posterior", Batch(("x", fixedSize), ("context", context.Build())));

        Assert.Equal(expected, ((FloatArray)answer.Column(0)).Values.ToArray());
    }

    [Fact]
    public async Task Kept_columns_pass_through_with_their_types()
    {
        RecordBatch batch = Batch(
            ("id", new Int64Array.Builder().AppendRange([7, 9]).Build()), ("note", new StringArray.Builder().Append("a").AppendNull().Build()),
            ("height", Floats(1, 3)), ("weight", Floats(2, 4)), ("age", Floats(0.5f, 0.75f)));

        RecordBatch answer = await AskAsync(Patients + "&keep=note,id", batch);
        string csv = System.Text.Encoding.UTF8.GetString(await http.RowsAsync(Patients + "&keep=note,id", Stream(batch), MediaType, "text/csv"));

        Assert.Equal(["id", "note", "log_prob"], answer.Schema.FieldsList.Select(field => field.Name));
        Assert.Equal([7, 9], ((Int64Array)answer.Column(0)).Values.ToArray());
        Assert.Equal("a", ((StringArray)answer.Column(1)).GetString(0));
        Assert.True(answer.Column(1).IsNull(1));
        Assert.StartsWith("id,note,log_prob\n7,a,", csv, StringComparison.Ordinal);
        Assert.Contains("\n9,,", csv, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Samples_are_columns_where_features_have_names_and_lists_else()
    {
        JsonElement json = await http.AskAsync("/sample", """{"model":"patients","count":4,"seed":1,"context":[[0.5]]}""");

        RecordBatch named = Single(await http.RowsAsync("/sample?model=patients&count=4&seed=1&context=0.5&dtype=float64", null, null, MediaType));
        RecordBatch plain = Single(await http.RowsAsync("/sample?model=two-moons&count=4&seed=1", null, null, MediaType));

        Assert.Equal(["height", "weight", "log_prob", "log_q"], named.Schema.FieldsList.Select(field => field.Name));
        Assert.Equal(json.Rows("samples").Select(row => (double)row[1]), ((DoubleArray)named.Column(1)).Values.ToArray());
        Assert.Equal(["samples", "log_prob", "log_q"], plain.Schema.FieldsList.Select(field => field.Name));
        Assert.Equal(2, ((FixedSizeListType)plain.Schema.FieldsList[0].DataType).ListSize);
    }

    [Fact]
    public async Task A_null_is_named()
    {
        JsonElement problem = await RefusedAsync(Patients, HttpStatusCode.UnprocessableEntity,
            Batch(("height", Floats(1, 3)), ("weight", new FloatArray.Builder().Append(2).AppendNull().Build()), ("age", Floats(0, 0))));

        Assert.Equal("invalid-value", problem.Type());
        Assert.Contains("row 1, column 'weight' is null", problem.Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_where_numbers_belong_is_refused()
    {
        JsonElement problem = await RefusedAsync(Patients, HttpStatusCode.BadRequest,
            Batch(("height", Floats(1)), ("weight", new StringArray.Builder().Append("2").Build()), ("age", Floats(0))));

        Assert.Contains("column 'weight' holds utf8", problem.Detail(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(300)]
    public async Task A_damaged_stream_is_refused(int length)
    {
        byte[] good = Stream(Patient(1, 2, 3));
        JsonElement problem = await http.RefusedAsync(Patients, good[..Math.Min(length, good.Length - 40)], MediaType, HttpStatusCode.BadRequest);

        Assert.Equal("invalid-body", problem.Type());
    }

    [Fact]
    public async Task A_few_bytes_cannot_claim_gigabytes()
    {
        JsonElement problem = await http.RefusedAsync(Patients, [255, 255, 255, 255, 240, 255, 255, 127, 1, 2, 3, 4], MediaType, HttpStatusCode.BadRequest);

        Assert.Equal("invalid-body", problem.Type());
    }

    private async Task<RecordBatch> AskAsync(string path, params RecordBatch[] batches) =>
        Single(await http.RowsAsync(path, Stream(batches), MediaType));

    private Task<JsonElement> RefusedAsync(string path, HttpStatusCode status, RecordBatch batch) =>
        http.RefusedAsync(path, Stream(batch), MediaType, status);

    private static FloatArray Floats(params float[] values) => new FloatArray.Builder().AppendRange(values).Build();

    private static RecordBatch Patient(params float[] rows) => Batch(
        ("height", Floats([.. rows.Chunk(3).Select(row => row[0])])),
        ("weight", Floats([.. rows.Chunk(3).Select(row => row[1])])),
        ("age", Floats([.. rows.Chunk(3).Select(row => row[2])])));

    private static RecordBatch Batch(params (string Name, IArrowArray Values)[] columns) => new(
        new Schema(columns.Select(column => new Field(column.Name, column.Values.Data.DataType, true)), null), columns.Select(column => column.Values), columns[0].Values.Length);

    private static byte[] Stream(params RecordBatch[] batches)
    {
        using var memory = new MemoryStream();
        using var writer = new ArrowStreamWriter(memory, batches[0].Schema, leaveOpen: true);
        foreach (RecordBatch batch in batches)
            writer.WriteRecordBatch(batch);
        writer.WriteEnd();
        return memory.ToArray();
    }

    /// <summary>All batches of an answer as one.</summary>
    private static RecordBatch Single(byte[] stream)
    {
        using var reader = new ArrowStreamReader(new MemoryStream(stream));
        var batches = new List<RecordBatch>();
        while (reader.ReadNextRecordBatch() is { } batch)
            batches.Add(batch);
        IEnumerable<IArrowArray> columns = Enumerable.Range(0, reader.Schema.FieldsList.Count)
            .Select(i => ArrowArrayConcatenator.Concatenate([.. batches.Select(batch => batch.Column(i))]));
        return new RecordBatch(reader.Schema, columns, batches.Sum(batch => batch.Length));
    }
}
