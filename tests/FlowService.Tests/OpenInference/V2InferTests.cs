using System.IO.Compression;
using System.Text.Json;
using FlowService.Tests.Support;
using static FlowService.Tests.OpenInference.V2Calls;

namespace FlowService.Tests.OpenInference;

/// <summary>Every way in which tensors come and go. The numbers are those of the service's own endpoints, bit for bit.</summary>
public sealed class V2InferTests(SharedService service)
{
    private const string X = """{"name":"x","datatype":"FP32","shape":[2,2],"data":[0.5,-1,1.25,0.75]}""";
    private const string Rows = "[[0.5,-1],[1.25,0.75]]";

    private static readonly float[] Values = [0.5f, -1, 1.25f, 0.75f];

    private readonly HttpClient http = service.Http;

    [Theory, Trait("Engine", "compiled")]
    [InlineData("""{"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[0.5,-1,1.25,0.75]}]}""")]
    [InlineData("""{"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[[0.5,-1],[1.25,0.75]]}]}""")]
    [InlineData("""{"inputs":[{"data":[ [ 0.5 , -1 ] , [ 1.25 , 0.75 ] ],"shape":[2,2],"datatype":"FP64","name":"x"}]}""")]
    [InlineData("""{"model_name":"two-moons","extra":{"deep":[{"x":1}]},"inputs":[{"name":"x","extra":[[1]],"datatype":"FP32","shape":[2,2],"parameters":{"other":"text"},"data":[0.5,-1,1.25,0.75]}],"parameters":{"unknown":true}}""")]
    [InlineData("""{"outputs":[],"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"parameters":null,"data":[0.5,-1,1.25,0.75]}],"parameters":{"priority":2,"timeout":5000000,"binary_data_output":false}}""")]
    public async Task JSON_is_taken_nested_or_flat_and_in_any_order(string body)
    {
        var (header, outputs) = await http.PostRawAsync("/v2/models/two-moons/infer", body).TensorsAsync();

        Assert.Equal("""["log_prob","z","log_det"]""", Names(header));
        Assert.Equal("1", header.GetProperty("model_version").GetString());
        await AssertScoresAsync(outputs);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Inputs_and_outputs_are_raw_or_not_in_every_mix(bool rawInput, bool rawOutputs)
    {
        string input = rawInput ? """{"name":"x","datatype":"FP32","shape":[2,2],"parameters":{"binary_data_size":16}}""" : X;
        string body = $$"""{"id":"a-7","parameters":{"binary_data_output":{{(rawOutputs ? "true" : "false")}}},"inputs":[{{input}}]}""";

        var (header, outputs) = await http.PostRawAsync("/v2/models/two-moons/infer", body, rawInput ? [Bytes(Values)] : []).TensorsAsync();

        Assert.Equal("a-7", header.GetProperty("id").GetString());
        Assert.Equal(rawOutputs ? 3 : 0, Raw(header));
        await AssertScoresAsync(outputs);
    }

    [Fact]
    public async Task An_output_may_say_otherwise_than_the_request()
    {
        const string Some = """ "outputs":[{"name":"log_det","parameters":{"binary_data":true}},{"name":"log_prob","parameters":{"binary_data":false}},{"name":"z"}]""";
        var (mixed, outputs) = await http.PostRawAsync("/v2/models/two-moons/infer", $$"""{"inputs":[{{X}}],{{Some}}}""").TensorsAsync();
        var (others, _) = await http.PostRawAsync("/v2/models/two-moons/infer", $$"""{"parameters":{"binary_data_output":true},"inputs":[{{X}}],{{Some}}}""").TensorsAsync();

        Assert.Equal("""["log_det","log_prob","z"]""", Names(mixed));
        Assert.Equal((1, 2), (Raw(mixed), Raw(others)));
        await AssertScoresAsync(outputs);
    }

    [Fact]
    public async Task Raw_and_JSON_inputs_mix_in_the_order_of_the_inputs()
    {
        var expected = await http.AskAsync("/logprob", """{"model":"posterior","x":[[1,2,3],[4,5,6]],"context":[[0.5,-0.5],[1,0]]}""");
        const string Json = """{"name":"x","datatype":"FP32","shape":[2,3],"data":[1,2,3,4,5,6]}""";

        var (_, jsonFirst) = await http.PostRawAsync("/v2/models/posterior/infer",
            $$$"""{"inputs":[{{{Json}}},{"name":"context","datatype":"FP64","shape":[2,2],"parameters":{"binary_data_size":32}}]}""", Bytes(0.5, -0.5, 1, 0)).TensorsAsync();
        var (_, bothRaw) = await http.PostRawAsync("/v2/models/posterior/infer",
            """{"inputs":[{"name":"context","datatype":"FP32","shape":[2,2],"parameters":{"binary_data_size":16}},{"name":"x","datatype":"FP64","shape":[2,3],"parameters":{"binary_data_size":48}}]}""",
            Bytes(0.5f, -0.5f, 1, 0), Bytes(1.0, 2, 3, 4, 5, 6)).TensorsAsync();

        Assert.Equal(expected.Floats("log_prob"), jsonFirst["log_prob"]);
        Assert.Equal(expected.Floats("log_prob"), bothRaw["log_prob"]);
    }

    [Fact]
    public async Task Numbers_of_16_bits_come_raw()
    {
        Half[] halves = [.. Values.Select(value => (Half)value)];
        ushort[] brains = [.. Values.Select(value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16))];
        foreach ((string datatype, byte[] raw) in new[] { ("FP16", Bytes(halves)), ("BF16", Bytes(brains)) })
        {
            string input = $$$"""{"name":"x","datatype":"{{{datatype}}}","shape":[2,2],"parameters":{"binary_data_size":8}}""";
            var (_, outputs) = await http.PostRawAsync("/v2/models/two-moons/infer", $$"""{"inputs":[{{input}}]}""", raw).TensorsAsync();
            await AssertScoresAsync(outputs);
        }
        string refused = await http.PostRawAsync("/v2/models/two-moons/infer", $$"""{"inputs":[{{X.Replace("FP32", "FP16", StringComparison.Ordinal)}}]}""").ErrorAsync();
        Assert.Contains("raw", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_of_raw_bytes_alone_is_the_only_input()
    {
        var (header, outputs) = await http.PostBytesAsync("/v2/models/two-moons/infer", Bytes(Values), "0").TensorsAsync();

        Assert.Equal(3, Raw(header));
        await AssertScoresAsync(outputs);
        Assert.Contains("one input", await http.PostBytesAsync("/v2/models/posterior/infer", Bytes(Values), "0").ErrorAsync(), StringComparison.Ordinal);
        Assert.Contains("not whole rows", await http.PostBytesAsync("/v2/models/two-moons/infer", Bytes(1f, 2f, 3f), "0").ErrorAsync(), StringComparison.Ordinal);
        Assert.Contains("not whole rows", await http.PostBytesAsync("/v2/models/two-moons/infer", new byte[9], "0").ErrorAsync(), StringComparison.Ordinal);
        Assert.Contains("no rows", await http.PostBytesAsync("/v2/models/two-moons/infer", [], "0").ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_rows_are_those_of_the_native_endpoint_whatever_pieces_the_body_comes_in()
    {
        float[] values = [.. Enumerable.Range(0, 3000 * 30).Select(i => MathF.Sin(i))];
        string text = JsonSerializer.Serialize(values);
        JsonElement expected = await http.AskAsync("/logprob", $$"""{"model":"wide","include":["z"],"x":{{JsonSerializer.Serialize(values.Chunk(30))}}}""");

        var (_, json) = await http.PostRawAsync("/v2/models/wide/infer", $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[3000,30],"data":{{text}}}]}""").TensorsAsync();
        var (_, raw) = await http.PostRawAsync("/v2/models/wide/infer",
            """{"parameters":{"binary_data_output":true},"inputs":[{"name":"x","datatype":"FP32","shape":[3000,30],"parameters":{"binary_data_size":360000}}]} """, Bytes(values)).TensorsAsync();

        Assert.Equal(expected.Floats("log_prob"), json["log_prob"], Near.Float);
        Assert.Equal(expected.Rows("z").SelectMany(row => row), raw["z"], Near.Float);
        Assert.Equal(json["z"], raw["z"], Near.Float);
    }

    [Fact]
    public async Task Samples_are_those_of_the_seed_and_the_seed_is_told()
    {
        JsonElement expected = await http.AskAsync("/sample", """{"model":"two-moons","count":3,"seed":18446744073709551615,"temperature":0.5,"offset":2}""");
        const string Inputs = """
            {"name":"num_samples","datatype":"INT32","shape":[],"data":[3]},{"name":"seed","datatype":"UINT64","shape":[1],"data":[18446744073709551615]},
            {"name":"temperature","datatype":"FP64","shape":[1],"data":0.5},{"name":"offset","datatype":"INT64","shape":[1,1],"data":[[2]]}
            """;

        var (header, outputs) = await http.PostRawAsync("/v2/models/two-moons.sample/infer", $$"""{"inputs":[{{Inputs}}]}""").TensorsAsync();

        Assert.Equal("two-moons.sample", header.GetProperty("model_name").GetString());
        Assert.Equal(ulong.MaxValue, header.GetProperty("parameters").GetProperty("seed").GetUInt64());
        Assert.Equal(expected.Rows("samples").SelectMany(row => row), outputs["samples"]);
        Assert.Equal(expected.Floats("log_prob"), outputs["log_prob"]);
        Assert.Equal(expected.Floats("log_q"), outputs["log_q"]);
    }

    [Fact]
    public async Task A_seed_that_is_left_out_is_drawn_and_draws_the_same_again()
    {
        const string Count = """{"name":"num_samples","datatype":"INT64","shape":[1],"parameters":{"binary_data_size":8}}""";
        var (header, first) = await http.PostRawAsync("/v2/models/two-moons.sample/infer", $$"""{"inputs":[{{Count}}]}""", Bytes(4L)).TensorsAsync();
        long seed = header.GetProperty("parameters").GetProperty("seed").GetInt64();

        var (_, again) = await http.PostRawAsync("/v2/models/two-moons.sample/infer",
            $$$"""{"inputs":[{{{Count}}},{"name":"seed","datatype":"INT64","shape":[1],"parameters":{"binary_data_size":8}}]}""", Bytes(4L), Bytes(seed)).TensorsAsync();

        Assert.Equal(first["samples"], again["samples"]);
    }

    [Theory]
    [InlineData("""{"name":"context","datatype":"INT64","shape":[2,1],"data":[2,0]}""")]
    [InlineData("""{"name":"context","datatype":"UINT8","shape":[2],"data":[2,0]}""")]
    [InlineData("""{"name":"context","datatype":"FP32","shape":[2,1],"data":[[2.0],[0.0]]}""")]
    public async Task Classes_are_integers_of_any_datatype_and_samples_stand_in_their_order(string context)
    {
        JsonElement expected = await http.AskAsync("/sample", """{"model":"digits","count":2,"seed":7,"context":[2,0]}""");

        var (header, outputs) = await http.PostRawAsync("/v2/models/digits.sample/infer",
            $$"""{"inputs":[{"name":"num_samples","datatype":"INT64","shape":[1],"data":[2]},{"name":"seed","datatype":"INT64","shape":[1],"data":[7]},{{context}}]}""").TensorsAsync();

        Assert.Equal("[4,4]", header.GetProperty("outputs")[0].GetProperty("shape").GetRawText());
        Assert.Equal(expected.Rows("samples").SelectMany(row => row), outputs["samples"]);
    }

    [Fact]
    public async Task One_context_row_serves_all_rows()
    {
        JsonElement expected = await http.AskAsync("/decode", """{"model":"posterior","z":[[1,2,3],[4,5,6]],"context":[[0.5,-0.5]]}""");

        var (_, outputs) = await http.PostRawAsync("/v2/models/posterior.decode/infer", """
            {"inputs":[{"name":"z","datatype":"FP32","shape":[2,3],"data":[1,2,3,4,5,6]},{"name":"context","datatype":"FP32","shape":[1,2],"data":[0.5,-0.5]}]}
            """).TensorsAsync();

        Assert.Equal(expected.Rows("x").SelectMany(row => row), outputs["x"]);
        Assert.Equal(expected.Floats("log_det"), outputs["log_det"]);
    }

    [Theory, Trait("Engine", "compiled")]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Lengths_are_those_of_the_decompressed_body(string encoding)
    {
        byte[] json = """{"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"parameters":{"binary_data_size":16}}]}"""u8.ToArray();
        using var packed = new MemoryStream();
        using (Stream packer = encoding == "gzip" ? new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true) : new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            packer.Write([.. json, .. Bytes(Values)]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/two-moons/infer")
        {
            Content = new ByteArrayContent(packed.ToArray()) { Headers = { ContentEncoding = { encoding } } },
            Headers = { { HeaderLength, $"{json.Length}" } },
        };

        var (_, outputs) = await http.SendAsync(request).TensorsAsync();

        await AssertScoresAsync(outputs);
    }

    [Fact]
    public async Task A_density_of_minus_infinity_is_null_in_JSON_and_itself_in_raw_bytes()
    {
        const string Body = """{"outputs":[{"name":"log_prob"}],"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[1e30,1e30,0,1]}]""";
        var (header, json) = await http.PostRawAsync("/v2/models/two-moons/infer", Body + "}").TensorsAsync();
        var (_, raw) = await http.PostRawAsync("/v2/models/two-moons/infer", Body + ""","parameters":{"binary_data_output":true}}""").TensorsAsync();

        JsonElement output = header.GetProperty("outputs")[0];
        Assert.Equal(JsonValueKind.Null, output.GetProperty("data")[0].ValueKind);
        Assert.Equal(1, output.GetProperty("parameters").GetProperty("non_finite").GetInt32());
        Assert.Equal(float.NegativeInfinity, raw["log_prob"][0]);
        Assert.Equal(json["log_prob"][1], raw["log_prob"][1]);
    }

    [Theory]
    [InlineData("""{"id":"","inputs":[%]}""", "")]
    [InlineData("""{"id":"é\"\u0000","inputs":[%]}""", "é\"\0")]
    public async Task The_id_is_echoed_also_where_it_is_empty(string body, string id)
    {
        var (header, _) = await http.PostRawAsync("/v2/models/two-moons/infer", body.Replace("%", X, StringComparison.Ordinal)).TensorsAsync();

        Assert.Equal(id, header.GetProperty("id").GetString());
    }

    private static string Names(JsonElement header) => JsonSerializer.Serialize(header.GetProperty("outputs").EnumerateArray().Select(output => output.GetProperty("name").GetString()));

    private static int Raw(JsonElement header) => header.GetProperty("outputs").EnumerateArray().Count(output => !output.TryGetProperty("data", out _));

    private async Task AssertScoresAsync(Dictionary<string, float[]> outputs)
    {
        JsonElement expected = await http.AskAsync("/logprob", $$"""{"model":"two-moons","x":{{Rows}},"include":["z","log_det"]}""");
        Assert.Equal(expected.Floats("log_prob"), outputs["log_prob"]);
        Assert.Equal(expected.Rows("z").SelectMany(row => row), outputs["z"]);
        Assert.Equal(expected.Floats("log_det"), outputs["log_det"]);
    }
}
