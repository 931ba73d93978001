using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using FlowService.Tests.Support;

namespace FlowService.Tests.Formats;

/// <summary>Rows that cannot be read, where that is no reason to refuse all: <c>on_error</c>, for every format in and out.</summary>
public sealed class OnErrorTests(SharedService service)
{
    private const string Arrow = "application/vnd.apache.arrow.stream", Csv = "text/csv", Json = "application/json";

    private static readonly float[] Good = [0.5f, -1, 1.25f, 0.75f, -0.25f, 2];

    // The rows 0, 2 and 4 are good; 1 and 3 are bad in the ways that a format has.
    private static readonly (string Name, string Type, byte[] Body)[] Bodies =
    [
        ("CSV", Csv, "x_0,x_1\n0.5,-1\n1,\n1.25,0.75\n7\n-0.25,2\n"u8.ToArray()),
        ("npy", Npy.MediaType, Npy.Of([0.5f, -1, 1, float.NaN, 1.25f, 0.75f, float.PositiveInfinity, 1, -0.25f, 2], 5, 2)),
        ("Arrow", Arrow, ArrowBody()),
        ("Arrow lists", Arrow, ArrowLists([[0.5f, -1], null, [1.25f, 0.75f], [7], [-0.25f, 2]])),
        ("Arrow lists in batches", Arrow, ArrowLists([[0.5f, -1], [1, 2, 3]], [[1.25f, 0.75f]], [null], [[-0.25f, 2]])),
        ("Arrow lists of nulls", Arrow, ArrowLists([[0.5f, -1], [null, 3], [1.25f, 0.75f], [], [-0.25f, 2]])),
        ("JSON", Json, """{"on_error":"%","model":"two-moons","x":[[0.5,-1],[1,null],[1.25,0.75],[7],[-0.25,2]]}"""u8.ToArray()),
    ];

    private readonly HttpClient http = service.Http;

    public static TheoryData<string, string> All => [.. from body in Bodies from accept in (string[])[Json, Csv, Arrow] select (body.Name, accept)];

    [Theory]
    [MemberData(nameof(All))]
    public async Task Null_answers_nothing_for_bad_rows_and_the_same_bits_for_the_others(string name, string accept)
    {
        Table answer = await AskAsync(name, "null", accept);

        Assert.Equal([.. await ExpectedAsync()], [answer.LogProb[0], answer.LogProb[2], answer.LogProb[4]]);
        Assert.All([1, 3], row => Assert.True(float.IsNaN(answer.LogProb[row])));
        Assert.Equal([true, false, true, false, true], answer.Errors.Select(string.IsNullOrEmpty));
        Assert.Contains("row 1", answer.Errors[1], StringComparison.Ordinal);
        Assert.Contains("row 3", answer.Errors[3], StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Skip_leaves_bad_rows_out_and_numbers_the_others(string name, string accept)
    {
        Table answer = await AskAsync(name, "skip", accept);

        Assert.Equal(await ExpectedAsync(), answer.LogProb);
        Assert.Equal([0, 2, 4], answer.Numbers);
    }

    [Fact]
    public async Task Lists_that_are_all_wrong_are_refused_by_row_where_nothing_else_is_asked()
    {
        JsonElement ragged = await http.RefusedAsync("/logprob?model=two-moons", ArrowLists([[1, 2], [1, 2, 3]]), Arrow, HttpStatusCode.UnprocessableEntity, Json);
        JsonElement nothing = await http.RefusedAsync("/logprob?model=two-moons", ArrowLists([[1, 2], null]), Arrow, HttpStatusCode.UnprocessableEntity, Json);

        Assert.Equal("x: row 1 has 3 values, model 'two-moons' takes 2 in each row", ragged.Detail());
        Assert.Equal("x: row 1, column 'x_0' is null; each value must be a finite number", nothing.Detail());
    }

    [Theory]
    [InlineData("null")]
    [InlineData("skip")]
    public async Task A_class_that_the_model_does_not_have_is_an_error_of_its_row(string how)
    {
        const string csv = "x_0,x_1,x_2,x_3,context\n1,2,3,4,2\n1,2,3,4,3\n1,2,3,4,0.5\n5,6,7,8,0\n";
        JsonElement good = await http.AskAsync("/logprob", """{"model":"digits","x":[[1,2,3,4],[5,6,7,8]],"context":[2,0]}""");

        Table rows = Table.OfCsv(await http.CsvAsync($"/logprob?model=digits&on_error={how}", csv));
        Table fields = Table.OfJson(await http.AskAsync("/logprob",
            $$"""{"model":"digits","on_error":"{{how}}","x":[[1,2,3,4],[1,2,3,4],[1,2,3,4],[5,6,7,8]],"context":[2,3,null,0]}"""));
        Table lists = Table.OfJson(await http.AskAsync("/logprob",
            $$"""{"model":"digits","on_error":"{{how}}","context":[[2],[-1],[0,1],[0]],"x":[[1,2,3,4],[1,2,3,4],[1,2,3,4],[5,6,7,8]]}"""));

        foreach (Table answer in (Table[])[rows, fields, lists])
        {
            Assert.Equal(good.Floats("log_prob"), answer.LogProb.Where(value => !float.IsNaN(value)));
            if (how == "skip")
                Assert.Equal([0, 3], answer.Numbers);
            else
                Assert.Contains("row 1", answer.Errors[1], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_context_of_all_rows_that_cannot_be_read_is_refused()
    {
        JsonElement wrong = await http.RefusedAsync("/logprob", """{"model":"digits","on_error":"skip","x":[[1,2,3,4],[5,6,7,8]],"context":7}""", HttpStatusCode.UnprocessableEntity);

        Assert.Equal("wrong-context", wrong.Type());
    }

    [Theory]
    [InlineData(Json)]
    [InlineData(Csv)]
    public async Task Where_all_rows_are_bad_null_answers_and_skip_refuses_with_the_first_reason(string accept)
    {
        byte[] body = "x_0,x_1\n1,\na,2\n"u8.ToArray();
        byte[] answer = await http.RowsAsync("/logprob?model=two-moons&on_error=null", body, Csv, accept);
        JsonElement problem = await http.RefusedAsync("/logprob?model=two-moons&on_error=skip", body, Csv, HttpStatusCode.UnprocessableEntity, accept);
        JsonElement json = await http.RefusedAsync("/logprob", """{"model":"two-moons","on_error":"skip","x":[[1],[null,2]]}""", HttpStatusCode.UnprocessableEntity);

        Assert.All((await Table.OfAsync(answer, accept)).LogProb, value => Assert.True(float.IsNaN(value)));
        Assert.Contains("no row can be read", problem.Detail(), StringComparison.Ordinal);
        Assert.Contains("row 0", problem.Detail(), StringComparison.Ordinal);
        Assert.Contains("no row can be read", json.Detail(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("skip")]
    public async Task Rows_are_numbered_over_all_parts_of_a_stream(string how)
    {
        const int count = 50_000;
        var csv = new StringBuilder("id,x_0,x_1\n");
        for (int i = 0; i < count; i++)
            csv.Append(CultureInfo.InvariantCulture, $"r{i},{(i % 1000 == 7 ? "?" : i % 5)},{i % 3}\n");
        string some = string.Concat(Enumerable.Range(0, 15).Select(i => $"{i % 5},{i % 3}\n"));
        float[] expected = Table.OfCsv(await http.CsvAsync("/logprob?model=two-moons", "x_0,x_1\n" + some)).LogProb;

        Table answer = Table.OfCsv(await http.CsvAsync($"/logprob?model=two-moons&keep=id&on_error={how}", csv.ToString()));

        int[] rows = [.. Enumerable.Range(0, count).Where(i => how == "null" || i % 1000 != 7)];
        Assert.Equal(rows.Select(i => $"r{i}"), answer.Kept);
        Assert.Equal(rows.Select(i => i % 1000 == 7 ? float.NaN : expected[i % 15]), answer.LogProb);
        if (how == "skip")
            Assert.Equal(rows.Select(i => (long)i), answer.Numbers);
        else
            Assert.All(rows, i => Assert.Equal(i % 1000 == 7, answer.Errors[i].Contains($"row {i},", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_NumPy_answer_has_no_place_for_it()
    {
        JsonElement problem = await http.RefusedAsync("/logprob?model=two-moons&on_error=null", Bodies[0].Body, Csv, HttpStatusCode.UnprocessableEntity, Npy.MediaType);

        Assert.Equal(("invalid-argument", "on_error"), (problem.Type(), problem.GetProperty("field").GetString()));
    }

    [Fact]
    public async Task It_must_be_known_before_the_rows()
    {
        JsonElement problem = await http.RefusedAsync("/logprob", """{"model":"two-moons","x":[[1,2]],"on_error":"skip"}""", HttpStatusCode.UnprocessableEntity);

        Assert.Contains("must stand before the rows", problem.Detail(), StringComparison.Ordinal);
    }

    private async Task<float[]> ExpectedAsync() => (await http.NpyAsync("/logprob?model=two-moons", Npy.Of(Good, 3, 2))).Floats;

    private async Task<Table> AskAsync(string name, string how, string accept)
    {
        (_, string type, byte[] body) = System.Array.Find(Bodies, each => each.Name == name);
        byte[] sent = type == Json ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body).Replace("%", how, StringComparison.Ordinal)) : body;
        string path = type == Json ? "/logprob" : $"/logprob?model=two-moons&on_error={how}";
        return await Table.OfAsync(await http.RowsAsync(path, sent, type, accept), accept);
    }

    private static byte[] ArrowBody()
    {
        Schema schema = new Schema.Builder().Field(new Field("x_0", FloatType.Default, true)).Field(new Field("x_1", DoubleType.Default, true)).Build();
        using var bytes = new MemoryStream();
        using (var writer = new ArrowStreamWriter(bytes, schema, leaveOpen: true))
        {
            writer.WriteRecordBatch(new RecordBatch(schema,
                [new FloatArray.Builder().AppendRange([0.5f, 1, 1.25f]).Build(), new DoubleArray.Builder().Append(-1).AppendNull().Append(0.75).Build()], 3));
            writer.WriteRecordBatch(new RecordBatch(schema,
                [new FloatArray.Builder().Append(float.NaN).Append(-0.25f).Build(), new DoubleArray.Builder().Append(1).Append(2).Build()], 2));
            writer.WriteEnd();
        }
        return bytes.ToArray();
    }

    // A null list has no elements; a ragged one too many, too few or none.
    private static byte[] ArrowLists(params float?[]?[][] batches)
    {
        Schema schema = new Schema.Builder().Field(new Field("x", new ListType(new Field("item", FloatType.Default, true)), true)).Build();
        using var bytes = new MemoryStream();
        using (var writer = new ArrowStreamWriter(bytes, schema, leaveOpen: true))
        {
            foreach (float?[]?[] batch in batches)
            {
                var lists = new ListArray.Builder(FloatType.Default);
                foreach (float?[]? row in batch)
                    if (row is null)
                        lists.AppendNull();
                    else
                        AppendRow(lists, row);
                writer.WriteRecordBatch(new RecordBatch(schema, [lists.Build()], batch.Length));
            }
            writer.WriteEnd();
        }
        return bytes.ToArray();
    }

    private static void AppendRow(ListArray.Builder lists, float?[] row)
    {
        var values = (FloatArray.Builder)lists.Append().ValueBuilder;
        foreach (float? value in row)
            _ = value is { } number ? values.Append(number) : values.AppendNull();
    }

    /// <summary>An answer's columns, whatever it was written as.</summary>
    private sealed record Table(float[] LogProb, long[] Numbers, string[] Errors, string[] Kept)
    {
        public static async Task<Table> OfAsync(byte[] answer, string accept) => accept switch
        {
            Json => OfJson(JsonDocument.Parse(answer).RootElement),
            Csv => OfCsv(Encoding.UTF8.GetString(answer)),
            _ => await OfArrowAsync(answer),
        };

        public static Table OfJson(JsonElement answer) => new(
            answer.Floats("log_prob"),
            answer.TryGetProperty("row", out JsonElement rows) ? [.. rows.EnumerateArray().Select(row => row.GetInt64())] : [],
            answer.TryGetProperty("error", out JsonElement errors) ? [.. errors.EnumerateArray().Select(error => error.GetString() ?? "")] : [],
            []);

        // The reasons quote cells, but hold no quotes themselves.
        public static Table OfCsv(string answer)
        {
            string[][] lines = [.. answer.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(',', 4))];
            string[] Column(string name) => System.Array.IndexOf(lines[0], name) is >= 0 and var at
                ? [.. lines[1..].Select(line => name == "error" ? string.Join(',', line[at..]).Trim('"') : line[at])] : [];
            return new([.. Column("log_prob").Select(value => float.Parse(value, CultureInfo.InvariantCulture))],
                [.. Column("row").Select(value => long.Parse(value, CultureInfo.InvariantCulture))], Column("error"), Column("id"));
        }

        private static async Task<Table> OfArrowAsync(byte[] answer)
        {
            var table = (LogProb: new List<float>(), Numbers: new List<long>(), Errors: new List<string>());
            using var reader = new ArrowStreamReader(answer);
            while (await reader.ReadNextRecordBatchAsync() is { } batch)
            {
                table.LogProb.AddRange(((FloatArray)batch.Column("log_prob")).Values);
                if (batch.Schema.FieldsLookup.Contains("row"))
                    table.Numbers.AddRange(((Int64Array)batch.Column("row")).Values);
                if (batch.Schema.FieldsLookup.Contains("error"))
                    table.Errors.AddRange(Enumerable.Range(0, batch.Length).Select(i => ((StringArray)batch.Column("error")).GetString(i) ?? ""));
            }
            return new([.. table.LogProb], [.. table.Numbers], [.. table.Errors], []);
        }
    }
}
