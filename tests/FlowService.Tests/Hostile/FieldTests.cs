using System.Text;
using FlowService.Tests.Support;

namespace FlowService.Tests.Hostile;

/// <summary>Every argument at its extremes, in JSON and in the query, and text that is none: answered or refused in the right form.</summary>
public sealed class FieldTests(SharedService service) : IDisposable
{
    private static readonly string[] Values =
    [
        "0", "-0", "-1", "1", "2147483647", "2147483648", "-2147483648", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "18446744073709551615", "18446744073709551616", "1e308", "1e309", "-1e309", "1e-400", "1e999999999", "0.1", "1.0",
        new string('9', 5000), "0." + new string('0', 5000) + "1", "\"1\"", "\"\"", "null", "true", "[]", "{}", "[[]]", "[[[1]]]", "[[[[[[[[[[1]]]]]]]]]]", "\"\\ud800\"", "NaN", "-", "01", "",
    ];

    private static readonly string[] Numbers = ["count", "offset", "seed", "temperature", "context", "version", "timeout_ms", "priority", "include", "range", "dtype", "model"];

    private readonly HostileClient client = new(service.Host.Address, service.Host.GrpcAddress);

    public void Dispose() => client.Dispose();

    [Fact]
    public async Task Every_field_of_samples_at_its_extremes()
    {
        var subject = new Subject("sample", "/sample", "application/json", """{"model":"two-moons","count":2}"""u8.ToArray());
        byte[] good = await client.GoodAsync(subject with { Body = """{"model":"two-moons","count":2,"seed":1}"""u8.ToArray() });

        await client.SendAllAsync(subject, Numbers.SelectMany(field => ValuesOf(field).Select(value =>
            Encoding.UTF8.GetBytes($$"""{{{(field == "model" ? "" : "\"model\":\"two-moons\",")}}{{(field == "count" ? "" : "\"count\":2,")}}"{{field}}":{{value}}}"""))));
        foreach (string field in Numbers)
            foreach (string value in ValuesOf(field).Where(value => value.Length < 100))
            {
                string query = $"{(field == "model" ? "" : "model=two-moons&")}{(field == "count" ? "" : "count=2&")}{field}={Uri.EscapeDataString(value)}";
                // A stream of samples may be as long as is asked for: here the answer is JSON, and within the limits.
                Verdict verdict = await client.SendAsync(subject with { Path = "/sample?" + query, Type = null }, []);
                Assert.True(verdict.IsGood || verdict.IsRefused, $"{query}: {verdict}");
            }

        Assert.Equal(good, await client.GoodAsync(subject with { Body = """{"model":"two-moons","count":2,"seed":1}"""u8.ToArray() }));
        await service.Host.BuffersAreBackAsync();
    }

    [Fact]
    public async Task Every_field_of_steps_and_of_tensors_at_its_extremes()
    {
        var steps = new Subject("steps", "/interpolate", "application/json", []);
        var tensors = new Subject("tensors", "/v2/models/two-moons/infer", "application/json", []);
        var samples = new Subject("tensors of samples", "/v2/models/two-moons.sample/infer", "application/json", []);

        await client.SendAllAsync(steps, Values.Select(value => Encoding.UTF8.GetBytes($$"""{"model":"two-moons","x":[[0,1],[1,0]],"steps":{{value}}}""")));
        foreach (string field in (string[])["shape", "datatype", "data", "name", "parameters"])
            await client.SendAllAsync(tensors, Values.SelectMany(value => (string[])[value, $"[{value},2]", $"[1,{value}]", $"{{\"binary_data_size\":{value}}}"]).Select(value =>
                Encoding.UTF8.GetBytes($$"""{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[0.5,-1],"{{field}}":{{value}}}]}""")));
        foreach (string input in (string[])["num_samples", "seed", "offset", "temperature"])
            await client.SendAllAsync(samples, Values.Select(value =>
                Encoding.UTF8.GetBytes($$"""{"inputs":[{"name":"{{input}}","shape":[1],"datatype":"{{(input == "temperature" ? "FP32" : "INT64")}}","data":[{{value}}]}]}""")));
        foreach (string length in (string[])["-1", "0", "1", "9223372036854775807", "9223372036854775808", "1e3", " 7", "0x10", "", "7, 7"])
        {
            Verdict verdict = await client.SendAsync(Subjects.Named("OIP binary") with { HeaderLength = length }, Subjects.Named("OIP binary").Body);
            Assert.True(verdict.IsRefused, $"{length}: {verdict}");
        }
    }

    [Theory]
    [InlineData("x_0,x_1\n\"0,1\n")]
    [InlineData("x_0,x_1\n0,\"1\"2\n")]
    [InlineData("x_0,x_1\n0,\0\n")]
    [InlineData("x_0,x_1\0\n0,1\n")]
    [InlineData("\0\0\0\0")]
    [InlineData("x_0,x_1\n0,1\n0,1,2\n")]
    [InlineData("x_0,x_1\n1e999999999,1\n")]
    [InlineData("\"")]
    [InlineData("\"\"\"")]
    [InlineData(",")]
    [InlineData("\uFEFF")]
    public async Task Text_that_is_no_table_is_refused(string csv)
    {
        Subject subject = Subjects.Named("CSV") with { Path = "/logprob?model=two-moons" };

        await client.SendAllAsync(subject, [Encoding.UTF8.GetBytes(csv)], allRefused: true);
    }

    [Fact]
    public async Task UTF_16_is_read_by_its_mark_or_refused()
    {
        Subject subject = Subjects.Named("CSV") with { Path = "/logprob?model=two-moons" };
        foreach (Encoding encoding in (Encoding[])[Encoding.Unicode, Encoding.BigEndianUnicode, Encoding.UTF32])
            await client.SendAllAsync(subject, Mutants.Cuts([.. encoding.GetPreamble(), .. encoding.GetBytes("x_0,x_1\n0,1\n0.5,0.25\n")]));
    }

    [Theory]
    [InlineData('9')]
    [InlineData('"')]
    [InlineData('a')]
    [InlineData(',')]
    [InlineData('[')]
    public async Task A_line_a_number_or_a_text_of_twenty_megabytes_is_refused(char each)
    {
        byte[] start = "x_0,x_1\n0,"u8.ToArray(), body = [.. start, .. Enumerable.Repeat((byte)each, 20 << 20)];
        byte[] json = [.. """{"model":"two-moons","x":[[0,"""u8, .. Enumerable.Repeat((byte)each, 20 << 20)];

        await client.SendAllAsync(Subjects.Named("CSV") with { Path = "/logprob?model=two-moons" }, [body], allRefused: true);
        await client.SendAllAsync(Subjects.Named("JSON"), [json], allRefused: true);
        await client.SendAllAsync(Subjects.Named("OIP JSON"), [json], allRefused: true);
        await service.Host.BuffersAreBackAsync();
    }

    // A millisecond may pass: 504 would be right.
    private static IEnumerable<string> ValuesOf(string field) => field == "timeout_ms" ? Values.Where(value => value is not ("1" or "1.0")) : Values;
}
