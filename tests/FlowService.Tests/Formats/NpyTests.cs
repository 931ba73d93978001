using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Formats;

public sealed class NpyTests(SharedService service)
{
    private static readonly float[] X = [.. Enumerable.Range(0, 600).Select(i => MathF.Sin(i) * 2)];

    private readonly HttpClient http = service.Http;

    [Theory]
    [InlineData("/logprob", "x", "log_prob", "300")]
    [InlineData("/encode", "x", "z", "300, 2")]
    [InlineData("/decode", "z", "x", "300, 2")]
    public async Task The_numbers_are_those_of_JSON_to_the_bit(string path, string field, string output, string shape)
    {
        JsonElement json = await http.AskAsync(path, $$"""{"model":"two-moons","{{field}}":{{JsonSerializer.Serialize(X.Chunk(2))}}}""");
        float[] expected = output == "log_prob" ? json.Floats(output) : [.. json.Rows(output).SelectMany(row => row)];

        Npy answer = await http.NpyAsync($"{path}?model=two-moons", Npy.Of(X, 300, 2));

        Assert.Equal("'<f4'", answer.Descr);
        Assert.Equal(shape, string.Join(", ", answer.Shape));
        Assert.Equal(expected, answer.Floats);
    }

    [Fact]
    public async Task Samples_need_no_body_and_continue_where_others_ended()
    {
        JsonElement json = await http.AskAsync("/sample", """{"model":"two-moons","count":50,"seed":7,"temperature":0.5}""");

        Npy all = await http.NpyAsync("/sample?model=two-moons&count=50&seed=7&temperature=0.5", null, null);
        Npy end = await http.NpyAsync("/sample?model=two-moons&count=20&offset=30&seed=7&temperature=0.5", null, null);

        Assert.Equal(json.Rows("samples").SelectMany(row => row), all.Floats);
        Assert.Equal(all.Floats[60..], end.Floats);
    }

    [Fact]
    public async Task A_sample_tells_its_seed_and_model_in_headers()
    {
        using HttpResponseMessage first = await http.PostAsync("/sample?model=two-moons&count=3", null, null, Npy.MediaType);
        string seed = first.Headers.GetValues("flow-seed").Single();
        byte[] again = await http.RowsAsync($"/sample?model=two-moons&count=3&seed={seed}", null, null, Npy.MediaType);

        Assert.Equal("two-moons", first.Headers.GetValues("flow-model").Single());
        Assert.Equal("1", first.Headers.GetValues("flow-version").Single());
        Assert.Equal(await first.Content.ReadAsByteArrayAsync(), again);
    }

    [Theory]
    [InlineData("<f8", false)]
    [InlineData(">f4", false)]
    [InlineData("<f8", true)]
    [InlineData(">f8", true)]
    public async Task Any_width_byte_order_and_memory_order_is_read(string descr, bool isFortran)
    {
        float[] rows = X[..200];
        byte[] data = new byte[rows.Length * (descr[2] - '0')];
        for (int i = 0; i < rows.Length; i++)
        {
            float value = isFortran ? rows[i % 100 * 2 + i / 100] : rows[i];
            Span<byte> element = data.AsSpan(i * (descr[2] - '0'));
            if (descr == ">f4")
                BinaryPrimitives.WriteSingleBigEndian(element, value);
            else if (descr == ">f8")
                BinaryPrimitives.WriteDoubleBigEndian(element, value);
            else
                BinaryPrimitives.WriteDoubleLittleEndian(element, value);
        }

        Npy expected = await http.NpyAsync("/logprob?model=two-moons", Npy.Of(rows, 100, 2));
        Npy actual = await http.NpyAsync("/logprob?model=two-moons", Npy.Of(descr, isFortran, data, 100, 2));

        Assert.Equal(expected.Data, actual.Data);
    }

    [Fact]
    public async Task Integers_are_rows_too()
    {
        int[] whole = [1, -2, 0, 3, 2, 2, -1, 0];
        Npy expected = await http.NpyAsync("/logprob?model=two-moons", Npy.Of([.. whole.Select(value => (float)value)], 4, 2));
        Npy actual = await http.NpyAsync("/logprob?model=two-moons", Npy.Of("<i4", false, MemoryMarshal.AsBytes<int>(whole), 4, 2));

        Assert.Equal(expected.Data, actual.Data);
    }

    [Fact]
    public async Task Float64_holds_the_same_values()
    {
        Npy single = await http.NpyAsync("/logprob?model=two-moons", Npy.Of(X, 300, 2));
        Npy twice = await http.NpyAsync("/logprob?model=two-moons&dtype=float64", Npy.Of(X, 300, 2));

        Assert.Equal("'<f8'", twice.Descr);
        Assert.Equal(single.Floats.Select(value => (double)value), twice.Doubles);
    }

    [Fact]
    public async Task What_is_included_makes_a_structured_array()
    {
        JsonElement json = await http.AskAsync("/logprob", $$"""{"model":"two-moons","x":{{JsonSerializer.Serialize(X.Chunk(2))}},"include":["z","log_det"]}""");

        Npy answer = await http.NpyAsync("/logprob?model=two-moons&include=z,log_det", Npy.Of(X, 300, 2));

        Assert.Equal("[('log_prob', '<f4'), ('z', '<f4', (2,)), ('log_det', '<f4')]", answer.Descr);
        Assert.Equal([300], answer.Shape);
        float[][] rows = [.. answer.Floats.Chunk(4)];
        Assert.Equal(json.Floats("log_prob"), rows.Select(row => row[0]));
        Assert.Equal(json.Rows("z").SelectMany(row => row), rows.SelectMany(row => row[1..3]));
        Assert.Equal(json.Floats("log_det"), rows.Select(row => row[3]));
    }

    [Fact]
    public async Task Context_stands_behind_the_values_or_in_the_query()
    {
        float[] rows = [1, 2, 3, 0.5f, -1, 3, 2, 1, 0.5f, -1];
        Npy behind = await http.NpyAsync("/logprob?model=posterior", Npy.Of(rows, 2, 5));
        Npy beside = await http.NpyAsync("/logprob?model=posterior&context=0.5,-1", Npy.Of([1, 2, 3, 3, 2, 1], 2, 3));
        Npy classes = await http.NpyAsync("/sample?model=digits&count=2&seed=1", Npy.Of([2f, 0], 2, 1));
        JsonElement json = await http.AskAsync("/sample", """{"model":"digits","count":2,"seed":1,"context":[2,0]}""");

        Assert.Equal(beside.Data, behind.Data);
        Assert.Equal(json.Rows("samples").SelectMany(row => row), classes.Floats);
    }

    [Theory]
    [InlineData(0, "NaN", "row 1, column 1")]
    [InlineData(1, "Infinity", "row 2, column 0")]
    public async Task A_value_that_is_not_finite_is_named(int which, string value, string place)
    {
        float[] rows = which == 0 ? [1, 2, 3, float.NaN, 5, 6] : [1, 2, 3, 4, float.PositiveInfinity, 6];
        JsonElement problem = await http.RefusedAsync("/logprob?model=two-moons", Npy.Of(rows, 3, 2), Npy.MediaType, HttpStatusCode.UnprocessableEntity);

        Assert.Equal("invalid-value", problem.Type());
        Assert.Contains(place, problem.Detail(), StringComparison.Ordinal);
        Assert.Contains(value, problem.Detail(), StringComparison.Ordinal);
    }

    public static TheoryData<byte[], string> Damaged => new()
    {
        { "not an array"u8.ToArray(), "not a .npy file" },
        { Npy.Of([1f, 2], 1, 2)[..40], "ends within its header" },
        { Npy.Of([1f, 2, 3, 4], 2, 2)[..^1], "ends after row 1 of the 2" },
        { [.. Npy.Of([1f, 2], 1, 2), 0], "goes on after the 1 rows" },
        { Npy.Header("<f4", false, 1 << 30, 2), "ends after row 0" },
        { Npy.Header("|O", false, 3, 2), "type '|O'" },
        { Npy.Header("<c8", false, 3, 2), "type '<c8'" },
        { Npy.Header("<f4", false), "at least one dimension" },
        { Npy.Header("<f4", true, 3, 2, 2), "ascontiguousarray" },
        { [0x93, .. "NUMPY"u8, 3, 0, 255, 255, 255, 255, 0, 0], "claims a header of 4294967295 bytes" },
    };

    [Theory]
    [MemberData(nameof(Damaged))]
    public async Task A_damaged_array_is_refused(byte[] body, string words)
    {
        JsonElement problem = await http.RefusedAsync("/logprob?model=two-moons", body, Npy.MediaType, HttpStatusCode.BadRequest);

        Assert.Equal("invalid-body", problem.Type());
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/logprob?model=two-moons", 3, "wrong-width", "3 values")]
    [InlineData("/logprob?model=posterior", 4, "wrong-width", "3 and then 2 of context")]
    [InlineData("/logprob?model=two-moons&keep=id", 2, "invalid-argument", "keep")]
    [InlineData("/logprob?model=two-moons&dtype=int8", 2, "invalid-argument", "float32 or float64")]
    [InlineData("/logprob?model=two-moons&x=1", 2, "unknown-field", "'x'")]
    [InlineData("/logprob?model=two-moons&model=two-moons", 2, "duplicate-field", "model")]
    [InlineData("/logprob?model=two-moons&timeout_ms=soon", 2, "invalid-argument", "timeout_ms must be an integer")]
    [InlineData("/logprob?model=two-moons&include=colour", 2, "unsupported-include", "colour")]
    [InlineData("/logprob?model=two-moons&context=0.5,high", 2, "invalid-value", "context")]
    public async Task Arguments_in_the_query_fail_in_the_words_of_JSON(string path, int width, string type, string words)
    {
        JsonElement problem = await http.RefusedAsync(path, Npy.Of(new float[width], 1, width), Npy.MediaType, HttpStatusCode.UnprocessableEntity);

        Assert.Equal(type, problem.Type());
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
    }

    [Fact, Trait("Engine", "compiled")]
    public async Task Arguments_of_a_JSON_body_may_stand_in_the_query_too()
    {
        float[] expected = (await http.AskAsync("/logprob", """{"model":"two-moons","x":[[1,2]]}""")).Floats("log_prob");

        Assert.Equal(expected, (await http.AskAsync("/logprob?model=two-moons", """{"x":[[1,2]]}""")).Floats("log_prob"));
        JsonElement twice = await http.RefusedAsync("/logprob?model=two-moons", """{"model":"two-moons","x":[[1,2]]}""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal("duplicate-field", twice.Type());
    }
}
