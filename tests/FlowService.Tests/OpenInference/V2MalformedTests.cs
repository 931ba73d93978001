using System.Net;
using System.Text;
using FlowService.Tests.Support;
using static FlowService.Tests.OpenInference.V2Calls;

namespace FlowService.Tests.OpenInference;

/// <summary>Bodies that are wrong, each with the words that name the place. After each the service still answers.</summary>
public sealed class V2MalformedTests(SharedService service) : IAsyncLifetime
{
    private const string Infer = "/v2/models/two-moons/infer", Sample = "/v2/models/two-moons.sample/infer";
    private const string Good = """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[0,1]}]}""";

    private readonly HttpClient http = service.Http;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await http.PostRawAsync(Infer, Good).TensorsAsync();
        await service.Host.BuffersAreBackAsync();
    }

    [Theory]
    [InlineData("", "the body is empty")]
    [InlineData("{", "end of the JSON")]
    [InlineData("[]", "a list")]
    [InlineData("null", "null")]
    [InlineData("""{"inputs":[]} x""", "invalid")]
    [InlineData("{}", "input 'x' is missing")]
    [InlineData("""{"inputs":{}}""", "inputs must be a list")]
    [InlineData("""{"inputs":[1]}""", "inputs must be a list of objects")]
    [InlineData("""{"inputs":[],"inputs":[]}""", "inputs is given twice")]
    [InlineData("""{"id":7,"inputs":[]}""", "id must be a string")]
    [InlineData("""{"parameters":[],"inputs":[]}""", "parameters must be an object")]
    [InlineData("""{"parameters":{"a":{}},"inputs":[]}""", "nothing nested")]
    [InlineData("""{"parameters":{"priority":-1},"inputs":[]}""", "priority")]
    [InlineData("""{"parameters":{"priority":"high"},"inputs":[]}""", "priority")]
    [InlineData("""{"parameters":{"timeout":1.5},"inputs":[]}""", "timeout")]
    [InlineData("""{"parameters":{"binary_data_output":1},"inputs":[]}""", "binary_data_output")]
    [InlineData("""{"outputs":[{"name":"p"}],"inputs":[%]}""", "output 'p' is unknown")]
    [InlineData("""{"outputs":[{}],"inputs":[%]}""", "outputs[0] has no name")]
    [InlineData("""{"outputs":[{"name":"z"},{"name":"z"}],"inputs":[%]}""", "output 'z' is asked for twice")]
    [InlineData("""{"outputs":[{"name":"z","parameters":{"classification":2}}],"inputs":[%]}""", "classification")]
    [InlineData("""{"outputs":[{"name":"z","parameters":{"shared_memory_region":"r"}}],"inputs":[%]}""", "shared memory")]
    [InlineData("""{"inputs":[%,%]}""", "input 'x' is given twice")]
    [InlineData("""{"inputs":[%,{"name":"y","datatype":"FP32","shape":[1],"data":[1]}]}""", "input 'y' is unknown")]
    [InlineData("""{"inputs":[%,{"name":"context","datatype":"FP32","shape":[1],"data":[1]}]}""", "input 'context' is unknown")]
    public async Task An_envelope_that_is_wrong_is_400(string body, string words) =>
        Assert.Contains(words, await http.PostRawAsync(Infer, body.Replace("%", Good[11..^2], StringComparison.Ordinal)).ErrorAsync(), StringComparison.Ordinal);

    [Theory]
    [InlineData(""" "datatype":"FP32","shape":[1,2],"data":[0,1] """, "inputs[0] has no name")]
    [InlineData(""" "name":"x","shape":[1,2],"data":[0,1] """, "has no datatype")]
    [InlineData(""" "name":"x","datatype":"FP32","data":[0,1] """, "has no shape")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,2] """, "has no data")]
    [InlineData(""" "name":7,"datatype":"FP32","shape":[1,2],"data":[0,1] """, "name must be a string")]
    [InlineData(""" "name":"x","datatype":"BYTES","shape":[1,2],"data":["a","b"] """, "datatype 'BYTES' is not taken here; send numbers: FP32, FP64, ")]
    [InlineData(""" "name":"x","datatype":"fp32","shape":[1,2],"data":[0,1] """, "datatype 'fp32'")]
    [InlineData(""" "name":"x","datatype":"INT64","shape":[1,2],"data":[0,1] """, "must be FP32")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":2,"data":[0,1] """, "shape must be a list")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1.5,2],"data":[0,1] """, "integers of 64 bits")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[18446744073709551616,2],"data":[0,1] """, "integers of 64 bits")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[4294967296,4294967296],"data":[0,1] """, "more elements than 64 bits")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[9223372036854775807,3],"data":[0,1] """, "more elements than 64 bits")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[-1,-2],"data":[0,1] """, "negative dimension")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[0,2],"data":[] """, "no rows")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[2],"data":[0,1] """, "must be [-1, 2]")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,1,2],"data":[0,1] """, "must be [-1, 2]")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,3],"data":[0,1,2] """, "must be [-1, 2]")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[2,2],"data":[0,1] """, "has 4 elements, its data have 2")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,2],"data":[0,1,2] """, "has 2 elements, its data have 3")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,2],"data":[0,1],"data":[0,1] """, "data twice")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,2],"data":{} """, "object")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,2],"data":[0,NaN] """, "input 'x': element 1 (at [0, 1]) is NaN")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,2],"data":[-Infinity,0] """, "element 0 (at [0, 0]) is -Infinity")]
    [InlineData(""" "data":[0,NaN],"name":"x","datatype":"FP32","shape":[1,2] """, "inputs[0]: element 1 is NaN")]
    [InlineData(""" "data":[0,null],"name":"x","datatype":"FP32","shape":[1,2] """, "input 'x': element 1 (at [0, 1]) is null")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[2,2],"data":[0,1,"2",3] """, "element 2 (at [1, 0]) is a string")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,2],"data":[1e39,3] """, "element 0 (at [0, 0]) is too large")]
    [InlineData(""" "name":"x","datatype":"FP64","shape":[1,2],"data":[0,1e400] """, "element 1 (at [0, 1]) is too large")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8} """, "Inference-Header-Content-Length")]
    [InlineData(""" "name":"x","datatype":"FP32","shape":[1,2],"parameters":{"shared_memory_region":"r"} """, "shared memory")]
    public async Task An_input_that_is_wrong_is_400_and_its_place_is_named(string input, string words) =>
        Assert.Contains(words, await http.PostRawAsync(Infer, $$"""{"inputs":[{{{input}}}]}""").ErrorAsync(), StringComparison.Ordinal);

    [Theory]
    [InlineData(""" "name":"num_samples","datatype":"INT64","shape":[1],"data":[0] """, "num_samples must lie in 1..100000")]
    [InlineData(""" "name":"num_samples","datatype":"INT64","shape":[1],"data":[100001] """, "num_samples must lie in 1..100000")]
    [InlineData(""" "name":"num_samples","datatype":"INT64","shape":[2],"data":[1,1] """, "must be [1]")]
    [InlineData(""" "name":"num_samples","datatype":"FP32","shape":[1],"data":[1] """, "must be INT64")]
    [InlineData(""" "name":"num_samples","datatype":"INT64","shape":[1],"data":[1.5] """, "must be an integer")]
    [InlineData(""" "name":"num_samples","datatype":"INT64","shape":[1],"data":[1.0] """, "'num_samples': element 0 must be an integer, without a point or an exponent: the datatype is INT64")]
    [InlineData(""" "data":1e1,"name":"num_samples","datatype":"UINT8","shape":[1] """, "element 0 must be an integer")]
    [InlineData(""" "data":300,"name":"num_samples","datatype":"UINT8","shape":[1] """, "'num_samples': element 0 must be in 0..255: the datatype is UINT8")]
    [InlineData(""" "name":"num_samples","datatype":"INT64","shape":[1],"data":[1]},{"name":"seed","datatype":"INT64","shape":[1],"data":[-1] """, "'seed' must be an integer in 0..")]
    [InlineData(""" "name":"num_samples","datatype":"INT64","shape":[1],"data":[1]},{"name":"seed","datatype":"INT64","shape":[1],"data":[null] """, "'seed'")]
    [InlineData(""" "name":"num_samples","datatype":"INT64","shape":[1],"data":[1]},{"name":"temperature","datatype":"FP32","shape":[1],"data":[0] """, "temperature")]
    [InlineData(""" "name":"num_samples","datatype":"INT64","shape":[1],"data":[1]},{"name":"temperature","datatype":"FP32","shape":[1],"data":[null] """, "'temperature'")]
    [InlineData(""" "name":"num_samples","datatype":"INT64","shape":[1],"data":[1]},{"name":"offset","datatype":"INT64","shape":[1],"data":[-5] """, "offset must lie in 0..9222246136947933183")]
    public async Task Arguments_of_samples_out_of_range_are_400(string inputs, string words) =>
        Assert.Contains(words, await http.PostRawAsync(Sample, $$"""{"inputs":[{{{inputs}}}]}""").ErrorAsync(), StringComparison.Ordinal);

    [Theory]
    [InlineData("posterior", "[1,2,3]", "[1,3]", "", "input 'context' is missing")]
    [InlineData("digits", "[1,2,3,4]", "[1,4]", """,{"name":"context","datatype":"INT64","shape":[1,1],"data":[3]}""", "0..2")]
    [InlineData("digits", "[1,2,3,4,1,2,3,4,1,2,3,4]", "[3,4]", """,{"name":"context","datatype":"INT64","shape":[3,1],"data":[1,2,1.0]}""", "element 2 must be an integer")]
    [InlineData("digits", "[1,2,3,4,1,2,3,4]", "[2,4]", """,{"name":"context","datatype":"INT16","shape":[2,1],"data":[1,-32769]}""", "element 1 must be in -32768..32767")]
    [InlineData("digits", "[1,2,3,4]", "[1,4]", """,{"name":"context","datatype":"FP32","shape":[1,1],"data":[0.5]}""", "0..2")]
    [InlineData("digits", "[1,2,3,4]", "[1,4]", """,{"name":"context","datatype":"INT64","shape":[3,1],"data":[0,1,2]}""", "3 rows for 1 rows")]
    [InlineData("posterior", "[1,2,3]", "[1,3]", """,{"name":"context","datatype":"FP32","shape":[0,2],"data":[]}""", "no rows")]
    public async Task A_context_that_does_not_fit_is_400(string model, string data, string shape, string context, string words) =>
        Assert.Contains(words, await http.PostRawAsync($"/v2/models/{model}/infer",
            $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":{{shape}},"data":{{data}}}{{context}}]}""").ErrorAsync(), StringComparison.Ordinal);

    [Theory]
    [InlineData("-1", 8, "must be the number of bytes")]
    [InlineData("ten", 8, "must be the number of bytes")]
    [InlineData("99999999999999999999", 8, "must be the number of bytes")]
    [InlineData("9223372036854775807", 8, "the body")]
    [InlineData("2147483648", 8, "the body")]
    [InlineData("5", 8, "reached end of data")]
    [InlineData("", 8, "must be the number of bytes")]
    [InlineData("right", 7, "the body ends 1 bytes before the end of input 'x'")]
    [InlineData("right", 3, "the body ends")]
    [InlineData("right", 0, "the body ends 8 bytes before the end of input 'x'")]
    [InlineData("right", 9, "goes on behind its last tensor")]
    public async Task Lengths_that_do_not_fit_the_body_are_400(string length, int rawBytes, string words)
    {
        byte[] json = """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}]}"""u8.ToArray();

        string error = await http.PostBytesAsync(Infer, [.. json, .. new byte[rawBytes]], length == "right" ? $"{json.Length}" : length).ErrorAsync();

        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[1,2]", "12", "has 12 bytes of raw data")]
    [InlineData("[1,2]", "-8", "has -8 bytes of raw data")]
    [InlineData("[2305843009213693952,2]", "8", "has 8 bytes of raw data")]
    [InlineData("[1,2]", "9223372036854775807", "has 9223372036854775807 bytes of raw data")]
    [InlineData("[1,2]", "18446744073709551624", "an integer of 64 bits")]
    [InlineData("[1,2]", "\"8\"", "an integer of 64 bits")]
    [InlineData("[1,2]", "8},\"data\":[0,1],\"o\":{", "both data and binary_data_size")]
    public async Task A_binary_size_that_is_not_the_shapes_is_400(string shape, string size, string words)
    {
        string json = $$$"""{"inputs":[{"name":"x","datatype":"FP32","shape":{{{shape}}},"parameters":{"binary_data_size":{{{size}}}}}]}""";

        Assert.Contains(words, await http.PostRawAsync(Infer, json, new byte[8]).ErrorAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN, "is NaN")]
    [InlineData(float.PositiveInfinity, "is infinite")]
    [InlineData(float.NegativeInfinity, "is infinite")]
    public async Task Raw_elements_that_are_not_finite_are_400_with_their_place(float bad, string words)
    {
        float[] values = [.. Enumerable.Range(0, 60).Select(i => i == 41 ? bad : i)];
        const string Json = """{"inputs":[{"name":"x","datatype":"FP32","shape":[2,30],"parameters":{"binary_data_size":240}}]}""";

        string error = await http.PostRawAsync("/v2/models/wide/infer", Json, Bytes(values)).ErrorAsync();

        Assert.Contains($"input 'x': element 41 (at [1, 11]) {words}", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"a":""", "[")]
    [InlineData("""{"inputs":[{"name":"x","data":""", "[")]
    [InlineData("", """{"a":""")]
    public async Task JSON_that_is_250000_deep_is_400(string before, string each)
    {
        string body = before + string.Concat(Enumerable.Repeat(each, 250_000));

        Assert.Contains("depth", await http.PostRawAsync(Infer, body).ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_without_end_and_bytes_that_are_no_text_are_400()
    {
        Assert.Contains("longer than", await http.PostRawAsync(Infer, $$"""{"{{new string('a', 3 << 20)}}":1}""").ErrorAsync(), StringComparison.Ordinal);
        Assert.Contains("Unicode", await http.PostRawAsync(Infer, """{"id":"\ud800","inputs":[]}""").ErrorAsync(), StringComparison.Ordinal);
        await http.PostBytesAsync(Infer, [.. "{\"id\":\""u8, 0xff, 0xfe, .. "\"}"u8], null).ErrorAsync();
    }

    [Fact]
    public async Task Too_many_rows_or_inputs_and_a_body_that_is_encoded_are_refused()
    {
        string rows = string.Join(',', Enumerable.Repeat("0,1", 100_001));
        string inputs = string.Join(',', Enumerable.Repeat("{}", 65));
        using var unknown = new ByteArrayContent(Encoding.UTF8.GetBytes(Good)) { Headers = { ContentEncoding = { "zstd" } } };


        Assert.Contains("100000 rows", await http.PostRawAsync(Infer, $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[100001,2],"data":[{{rows}}]}]}""")
            .ErrorAsync(HttpStatusCode.RequestEntityTooLarge), StringComparison.Ordinal);
        Assert.Contains("64 inputs", await http.PostRawAsync(Infer, $$"""{"inputs":[{{inputs}}]}""").ErrorAsync(), StringComparison.Ordinal);
        Assert.Contains("zstd", await http.PostAsync(Infer, unknown).ErrorAsync(HttpStatusCode.UnsupportedMediaType), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_body_that_is_not_compressed_as_it_says_is_400(string encoding)
    {
        using var damaged = new ByteArrayContent(Encoding.UTF8.GetBytes(Good)) { Headers = { ContentEncoding = { encoding } } };

        Assert.Contains("decompressed", await http.PostAsync(Infer, damaged).ErrorAsync(), StringComparison.Ordinal);
    }
}
