using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;

namespace FlowRows.Tests;

/// <summary>Whatever a file holds, the service and the command line read it alike: the same bytes, or the same words.</summary>
public sealed class SameFilesTests(BothPrograms both) : IClassFixture<BothPrograms>
{
    private const string Csv = "text/csv", NumPy = "application/x-npy", Arrow = "application/vnd.apache.arrow.stream", Json = "application/json",
        Ndjson = "application/x-ndjson", Parquet = "application/vnd.apache.parquet",
        Others = "has a header that holds other things than the fields 'descr', 'fortran_order' and 'shape'";

    private static readonly (string Format, string Accept, string Extension)[] Answers =
        [("csv", Csv, ".csv"), ("npy", NumPy, ".npy"), ("arrow", Arrow, ".arrows"), ("json", Json, ".json")];

    [Theory]
    [InlineData("two-moons", "id,x_0,x_1\na,0,0.5\nb,none,1\nc,30,-30\n")]
    [InlineData("two-moons", "0,0.5\n30,-30\n")]
    [InlineData("patients", "name,height,weight,age\nAda,0.5,1,0.2\n\"x,y\",,1,1\n")]
    public async Task Scores(string model, string text)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        string file = both.Write("rows.csv", body);
        foreach ((_, string accept, string extension) in (IEnumerable<(string, string, string)>)[.. Answers, ("ndjson", "application/x-ndjson", ".ndjson")])
            await AgreeAsync("score", model, body, Csv, file, accept, extension, ("alpha=0.05", "--alpha 0.05"));
    }

    [Theory]
    [InlineData("two-moons", "x_1,x_0\n0,5\n")]
    [InlineData("two-moons", "x_0,x_1\n0,5\n1.5,-2e-3\n")]
    [InlineData("two-moons", "a,b\n0,5\n")]
    [InlineData("two-moons", "x_0,b\n0,5\n")]
    [InlineData("two-moons", "x_0,x_1,log_prob\n0,5,1\n")]
    [InlineData("two-moons", "0.5,5\n1,2\n")]
    [InlineData("two-moons", "x;y\n0;1\n1.234;-0,5\n")]
    [InlineData("two-moons", "x;y\n0;1\n1,234;-0,5\n")]
    [InlineData("two-moons", "x|y\n0|1\n1|2\n")]
    [InlineData("two-moons", "x\ty\n0\t1\n1\t2\n")]
    [InlineData("two-moons", "x,y\r\n0,1\r\n  \r\n\r\n")]
    [InlineData("two-moons", "x,y\n0,1\n\n   \n2,3\n \n")]
    [InlineData("two-moons", "\uFEFFx,y\n0,1\n")]
    [InlineData("two-moons", "\"x\",\"y\"\n\"0\",\" 1 \"\n")]
    [InlineData("two-moons", "x,y\n0\n")]
    [InlineData("two-moons", "x,y\n0,1,2\n")]
    [InlineData("two-moons", "x,y\n0,\n")]
    [InlineData("two-moons", "x,y\n0,nan\n")]
    [InlineData("two-moons", "x,y\n0,1e39\n")]
    [InlineData("two-moons", "x,y\n0,1e\n")]
    [InlineData("two-moons", "x,x\n0,1\n")]
    [InlineData("two-moons", "x,\"y\n0,1\n")]
    [InlineData("two-moons", "x,y,z\n0,1,2\n")]
    [InlineData("two-moons", "0,1\n0,1\n0.25,0.5\n")]
    [InlineData("two-moons", "0,1\n")]
    [InlineData("two-moons", "2019,2020\n0.5,0.25\n0.25,0.75\n")]
    [InlineData("two-moons", "1,0\n0.25,0.5\n")]
    [InlineData("two-moons", "1,a\n0.25,0.5\n")]
    [InlineData("two-moons", "9007199254740993,0.1\n16777217,1e-45\n")]
    [InlineData("two-moons", "")]
    [InlineData("two-moons", "\n \n")]
    [InlineData("two-moons", "x,y\n")]
    [InlineData("patients", "age,height,weight\n0.5,1,2\n0.7,2,1\n")]
    [InlineData("patients", "height,weight\n1,2\n")]
    [InlineData("patients", "height,weight,age,name\n1,2,3,Ada\n")]
    [InlineData("patients", "1,2,0.5\n2,1,0.7\n")]
    [InlineData("digits", "x_0,x_1,x_2,x_3,context\n1,2,3,4,2\n0,0,0,0,0\n")]
    [InlineData("digits", "x_0,x_1,x_2,x_3,context\n1,2,3,4,2.5\n")]
    [InlineData("digits", "x_0,x_1,x_2,x_3,context\n1,2,3,4,3\n")]
    public async Task A_table(string model, string text)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        string file = both.Write("rows.csv", body);
        foreach ((_, string accept, string extension) in Answers)
            await AgreeAsync("logprob", model, body, Csv, file, accept, extension);
    }

    [Theory]
    [InlineData(Csv, "X_1,X_0\n0,5\n", "column 'x_0' is missing; model 'two-moons' takes x_0, x_1")]
    [InlineData(Csv, "x_0,x_1\n0,5\0\n", "x: row 0, column 'x_1' is '5 '; each value must be a finite number (line 2)")]
    [InlineData(Json, "", "the body is empty; send JSON")]
    [InlineData(Json, "{}", "x is missing: rows of numbers, [[...], ...]")]
    [InlineData(Json, """{"x":[[]]}""", "x: row 0 has 0 values, model 'two-moons' takes 2 in each row")]
    [InlineData(Json, """{"x":[[0,5],]}""", "The JSON array contains a trailing comma at the end which is not supported. (near byte 12 of the body)")]
    [InlineData(Json, "\uFEFF{}", "It begins with a byte order mark: send UTF-8 without one. (near byte 0 of the body)")]
    [InlineData(Ndjson, "\uFEFF{}", "the first line is not JSON: It begins with a byte order mark: send UTF-8 without one.")]
    public async Task A_body_that_is_refused_in_the_same_words(string type, string text, string words)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        string file = both.Write($"rows.{type[(type.LastIndexOfAny(['/', '-']) + 1)..]}", body);

        Assert.Equal(words, (await both.ServiceAsync("/logprob?model=two-moons", body, type, Csv)).Refusal);
        Assert.Equal(words, both.CommandLine("logprob", "two-moons", file, ".csv").Refusal);
    }

    [Theory]
    [InlineData(Csv, "x_0,x_1\n0,5\n", "\n", 1 << 17, "fail", "the body has more than 65536 blank lines beyond the number of its rows; leave them out")]
    [InlineData(Csv, "", "\r\n", 1 << 17, "fail", "the body has more than 65536 blank lines beyond the number of its rows; leave them out")]
    [InlineData(Ndjson, "{\"x_0\":0,\"x_1\":5}\n", " \n", 1 << 17, "fail", "the body has more than 65536 blank lines beyond the number of its rows; leave them out")]
    [InlineData(Csv, "x_0,x_1\n", "5\n", 1 << 17, "skip", "x: none of the first ")]
    [InlineData(Csv, "x_0,x_1\n0,\"", "5", 17 << 20, "fail", "the record that begins in line 2 is longer than 16777216 bytes; close the quotes of its cells, "
        + "end each row with its line, and send wider rows as NumPy, Arrow or Parquet")]
    public async Task A_long_body_that_holds_no_row(string type, string start, string unit, int count, string onError, string words)
    {
        byte[] body = [.. Encoding.UTF8.GetBytes(start), .. Enumerable.Repeat(Encoding.UTF8.GetBytes(unit), count).SelectMany(each => each)];
        string file = both.Write($"rows.{type[(type.LastIndexOfAny(['/', '-']) + 1)..]}", body);

        Assert.StartsWith(words, (await both.ServiceAsync($"/logprob?model=two-moons&on_error={onError}", body, type, Csv)).Refusal, StringComparison.Ordinal);
        string? line = both.CommandLine("logprob", "two-moons", file, ".csv", "--on-error", onError).Refusal;
        Assert.Contains(onError == "skip" ? "x: no row can be read" : words, line, StringComparison.Ordinal);
    }

    // The texts are in Latin-1.
    [Theory]
    [InlineData("logprob", "two-moons", Csv, "x_0,gr\u00f6\u00dfe\n0,5\n", "the first line is not UTF-8: the name of column 2 reads 'gr\uFFFD\uFFFDe'; save the file as UTF-8")]
    [InlineData("score", "two-moons", Ndjson, "{\"x_0\":0,\"x_1\":5,\"id\":\"\u00e4\"}\n", "row 0 of the body has a string that is not valid Unicode text (line 1)")]
    [InlineData("score", "two-moons", Ndjson, """{"x_0":0,"x_1":5,"id":"\ud800"}""", "row 0 of the body has a string that is not valid Unicode text (line 1)")]
    [InlineData("logprob", "two-moons", Json, "\u00ff\u00fe{\0}\0", "It begins with a byte order mark of UTF-16: send UTF-8 without one. (near byte 0 of the body)")]
    public async Task Text_that_is_not_UTF_8_is_refused_as_that(string operation, string model, string type, string text, string words)
    {
        byte[] body = Encoding.Latin1.GetBytes(text);
        string file = both.Write($"rows.{type[(type.LastIndexOfAny(['/', '-']) + 1)..]}", body);

        Assert.Equal(words, (await both.ServiceAsync($"/{operation}?model={model}&on_error=fail", body, type, Csv)).Refusal);
        Assert.EndsWith(words, both.CommandLine(operation, model, file, ".csv", "--on-error", "fail").Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cells_in_Latin_1_pass_through_CSV_as_they_are_and_become_Unicode_elsewhere()
    {
        byte[] body = Encoding.Latin1.GetBytes("id,x_0,x_1\n\u00e4,0,5\n");
        string file = both.Write("rows.csv", body);

        Assert.Contains("\n\u00e4,", Encoding.Latin1.GetString((await both.ServiceAsync("/logprob?model=two-moons&keep=id", body, Csv, Csv)).Answer!), StringComparison.Ordinal);
        using var arrow = new Apache.Arrow.Ipc.ArrowStreamReader((await both.ServiceAsync("/logprob?model=two-moons&keep=id", body, Csv, Arrow)).Answer);
        Assert.Equal([.. "\uFFFD"u8], ((Apache.Arrow.StringArray)arrow.ReadNextRecordBatch().Column(0)).GetBytes(0).ToArray());
        await AgreeAsync("logprob", "two-moons", body, Csv, file, Arrow, ".arrows", ("keep=id", "--keep id"));
    }

    [Fact]
    public async Task A_file_in_UTF_32_is_read_by_its_names()
    {
        byte[] body = [.. Encoding.UTF32.GetPreamble(), .. Encoding.UTF32.GetBytes("x_1,x_0\n0,5\n")];
        Said service = await both.ServiceAsync("/logprob?model=two-moons", body, Csv, Csv);

        Assert.Equal((await both.ServiceAsync("/logprob?model=two-moons", "x_0,x_1\n5,0\n"u8.ToArray(), Csv, Csv)).Answer, service.Answer);
        Assert.Equal(service.Answer, both.CommandLine("logprob", "two-moons", both.Write("rows.csv", body), ".csv").Answer);
    }

    [Theory]
    [InlineData("1e00000001", 10)]
    [InlineData("1e-99999", 0)]
    public async Task A_number_of_JSON_with_a_long_exponent(string number, float value)
    {
        byte[] body = Encoding.UTF8.GetBytes($"{{\"x\":[[{number},0]]}}"), plain = Encoding.UTF8.GetBytes($"{{\"x\":[[{value},0]]}}");

        Said service = await both.ServiceAsync("/logprob?model=two-moons", body, Json, Csv);
        Assert.Null(service.Refusal);
        Assert.Equal((await both.ServiceAsync("/logprob?model=two-moons", plain, Json, Csv)).Answer, service.Answer);
        Assert.Equal(service.Answer, both.CommandLine("logprob", "two-moons", both.Write("rows.json", body), ".csv").Answer);
    }

    [Fact]
    public async Task A_column_that_JSON_cannot_pass_on_is_refused_where_rows_are_scored()
    {
        byte[] body = """{"x":[{"id":1,"x_0":0,"x_1":5}]}"""u8.ToArray();
        Said service = await both.ServiceAsync("/score?model=two-moons", body, Json, Json);
        Said line = both.CommandLine("score", "two-moons", both.Write("rows.json", body), ".json");

        Assert.Contains("column 'id' is unknown", service.Refusal);
        Assert.EndsWith(service.Refusal!, line.Refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'shape': (2, 3), }", "a header whose field 'shape' cannot be read")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), } 'or': 1", Others)]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), } {}", Others)]
    [InlineData("x {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", Others)]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'more': True}", Others)]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3,, 2), }", Others)]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2),", Others)]
    [InlineData("{'descr': '<f4' 'fortran_order': False, 'shape': (3, 2), }", Others)]
    [InlineData("{'descr': '\n<f4', 'fortran_order': False, 'shape': (3, 2), }", "holds elements of type ' <f4'; float16, float32, float64 and integers are read")]
    [InlineData("{'shape':(3,2),'fortran_order':False,'descr':'<f4'}", null)]
    [InlineData("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,), }",
        "is a structured array; numbers of one type are read: numpy.lib.recfunctions.structured_to_unstructured makes it one")]
    [InlineData("{ 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 3 , 2 , ) }", null)]
    public async Task An_array_by_its_header(string header, string? words)
    {
        byte[] body = FlowService.Tests.Support.Npy.Of("<f4", false, new byte[24], 3, 2);
        body.AsSpan(10, body.Length - 24 - 11).Fill((byte)' ');
        Encoding.ASCII.GetBytes(header).CopyTo(body, 10);

        Said service = await both.ServiceAsync("/logprob?model=two-moons", body, NumPy, Csv), line = both.CommandLine("logprob", "two-moons", both.Write("rows.npy", body), ".csv");

        Assert.Equal(service, line with { Answer = service.Answer });
        if (words is null)
            Assert.Equal(service.Answer, line.Answer);
        Assert.Equal(words is null, service.Refusal is null);
        Assert.EndsWith(words ?? "", service.Refusal ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<f4", false, 3, 2)]
    [InlineData("<f8", true, 3, 2)]
    [InlineData(">f8", false, 3, 2)]
    [InlineData("<i8", false, 3, 2)]
    [InlineData("|u1", false, 12, 2)]
    [InlineData("<f4", false, 6, 1, 2)]
    [InlineData("<f4", false, 6)]
    [InlineData("<f4", false, 2, 3)]
    [InlineData("<f4", false, 0, 2)]
    [InlineData("<f4", false, 4, 2)]
    public async Task An_array(string descr, bool isFortran, params int[] shape)
    {
        byte[] data = [.. Enumerable.Range(0, 24).Select(i => (byte)(i % 7))];
        int size = descr[2] - '0', count = shape.Aggregate(1, (product, each) => product * each);
        byte[] body = FlowService.Tests.Support.Npy.Of(descr, isFortran, [.. Enumerable.Repeat(data, 10).SelectMany(each => each).Take(Math.Min(count, 12) * size)], shape);
        string file = both.Write("rows.npy", body);
        foreach ((_, string accept, string extension) in Answers)
            await AgreeAsync("logprob", "two-moons", body, NumPy, file, accept, extension);
    }

    [Theory]
    [InlineData("""{"x":[[0,5],[1.5,-2e-3]]}""")]
    [InlineData("""{"x":[[0,5],[1.5]]}""")]
    [InlineData("""{"x":[[0,null]]}""")]
    [InlineData("""{"x":[[0,1e39]]}""")]
    [InlineData("""{"x":[[0,5]],"x":[[1,2]]}""")]
    [InlineData("""{"x":[[0,5]""")]
    [InlineData("""{"x":[]}""")]
    public async Task A_JSON_body(string text)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        string file = both.Write("rows.json", body);
        foreach ((_, string accept, string extension) in Answers)
            await AgreeAsync("logprob", "two-moons", body, Json, file, accept, extension);
    }

    [Theory]
    [InlineData("two-moons", "skip", """{"on_error":"skip","x":[[7],[0,5],[1,null],[1,2]]}""", true)]
    [InlineData("two-moons", "null", """{"on_error":"null","x":[[7],[0,5],[],[1,2]]}""", true)]
    [InlineData("two-moons", "null", """{"on_error":"null","x":[["7",1],[0,null],[true,1],[1,1e39],[1,2]]}""", true)]
    [InlineData("two-moons", "null", """{"on_error":"null","x":[{"x_0":"7","x_1":1},{"x_0":1},{"x_0":1,"x_1":null},{"x_0":1,"x_1":1e39}]}""", true)]
    [InlineData("two-moons", "skip", """{"on_error":"skip","x":[[7],[null,5]]}""", false)]
    [InlineData("digits", "null", """{"on_error":"null","x":[[7],[1,2,3,4],[1,2,3,5]],"context":[0,1,7]}""", true)]
    [InlineData("digits", "skip", """{"on_error":"skip","x":[[1,2,3,4],[7],[1,2,3,5]],"context":[[1,0],[2],[0]]}""", true)]
    [InlineData("digits", "skip", """{"on_error":"skip","x":[[7],[1,2,3,4]],"context":1}""", true)]
    [InlineData("digits", "skip", """{"on_error":"skip","x":[[7],[1,2,3,4]],"context":[9]}""", false)]
    [InlineData("digits", "fail", """{"x":[[1,2,3,4],[1,2,3,5]],"context":[2]}""", true)]
    [InlineData("digits", "fail", """{"x":[[1,2,3,4],[1,2,3,5]],"context":[2,1]}""", true)]
    [InlineData("digits", "fail", """{"x":[[1,2,3,4],[1,2,3,5]],"context":[2,1,0]}""", false)]
    public async Task Rows_of_JSON_that_cannot_be_read_and_contexts_of_one_or_all(string model, string how, string text, bool isAnswered)
    {
        string file = both.Write("rows.json", Encoding.UTF8.GetBytes(text.Replace($"\"on_error\":\"{how}\",", "", StringComparison.Ordinal)));
        foreach ((_, string accept, string extension) in Answers)
            if (accept != NumPy)
                await AgreeAsync("logprob", model, Encoding.UTF8.GetBytes(text), Json, file, accept, extension, ("", $"--on-error {how}"));
        Assert.Equal(isAnswered, (await both.ServiceAsync($"/logprob?model={model}", Encoding.UTF8.GetBytes(text), Json, Csv)).Refusal is null);
    }

    [Fact]
    public async Task An_Arrow_stream_and_every_byte_of_it_damaged()
    {
        byte[] good = ArrowMetadataTests.Stream();
        for (int at = -1; at < good.Length; at += 3)
        {
            byte[] body = (byte[])good.Clone();
            if (at >= 0)
                body[at] ^= 0x11;
            await AgreeAsync("logprob", "two-moons", body, Arrow, both.Write("rows.arrow", body), Csv, ".csv", ("ignore_extra=true", "--ignore-extra"));
        }
    }

    // A column shorter than its batch, and a time that no other format than Arrow can hold.
    [Theory]
    [InlineData(2, 0, "the body is no Arrow stream: column 'when' does not hold the rows that it claims")]
    [InlineData(4, 0, "the body is no Arrow stream: column 'when' does not hold the rows that it claims")]
    [InlineData(3, 400_000_000_000_000_000, "keep: a date outside the years 1 to 9999 can be passed on as Arrow alone; ask for application/vnd.apache.arrow.stream")]
    [InlineData(3, long.MinValue, "keep: a date outside the years 1 to 9999 can be passed on as Arrow alone; ask for application/vnd.apache.arrow.stream")]
    public async Task A_column_that_cannot_be_passed_on_is_refused_before_a_byte_is_written(int rows, long ticks, string words)
    {
        byte[] body = ArrowMetadataTests.Timed(rows, ticks);
        string file = both.Write("rows.arrows", body);
        foreach ((string accept, string extension) in (IEnumerable<(string, string)>)[(Csv, ".csv"), (Ndjson, ".ndjson"), (Parquet, ".parquet")])
        {
            Assert.Equal(words, (await both.ServiceAsync("/logprob?model=two-moons&keep=when", body, Arrow, accept)).Refusal);
            Assert.EndsWith(words, both.CommandLine("logprob", "two-moons", file, extension, "--keep", "when").Refusal, StringComparison.Ordinal);
        }
        Assert.Equal(rows == 3, (await both.ServiceAsync("/logprob?model=two-moons&keep=when", body, Arrow, Arrow)).Refusal is null);
    }

    [Theory]
    [InlineData("keep=id", "--keep id", "id,x_0,x_1\na,0,5\nb,1,2\n")]
    [InlineData("keep=*", "--keep *", "x_1,x_0,note\n5,0,\"a,b\"\n2,1,\n")]
    [InlineData("keep=none", "--keep none", "x_1,x_0\n5,0\n")]
    [InlineData("ignore_extra=true", "--ignore-extra", ",x_0,x_1,when\n0,0,5,2024-01-01\n1,1,2,\n")]
    [InlineData("on_error=null", "--on-error null", "x_0,x_1\n0,5\n1,\n2,x\n3\n4,5\n")]
    [InlineData("on_error=skip", "--on-error skip", "x_0,x_1\n0,5\n1,\n2,x\n3\n4,5\n")]
    [InlineData("include=z,latent_norm2,bits_per_dim,log_det", "--include z --include latent_norm2 --include bits_per_dim --include log_det", "x_0,x_1\n0,5\n")]
    [InlineData("on_error=skip&keep=id", "--on-error skip --keep id", "id,x_0,x_1\na,0,5\nb,1,\nc,2,3\n")]
    public async Task An_argument(string query, string options, string text)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        string file = both.Write("rows.csv", body);
        foreach ((_, string accept, string extension) in Answers)
            if (accept != NumPy && !(accept == Json && query.Contains("keep", StringComparison.Ordinal)))
                await AgreeAsync("logprob", "two-moons", body, Csv, file, accept, extension, (query, options));
    }

    [Theory]
    [InlineData("present", "yes")]
    [InlineData("absent", "no")]
    public async Task A_header_that_is_stated(string parameter, string option)
    {
        byte[] body = Encoding.UTF8.GetBytes("0,1\n0,1\n0.25,0.5\n");
        Said service = await both.ServiceAsync("/logprob?model=two-moons", body, $"text/csv; header={parameter}", Csv);
        Said line = both.CommandLine("logprob", "two-moons", both.Write("rows.csv", body), ".csv", "--header", option);

        Assert.Null(service.Refusal);
        Assert.Equal(service.Answer, line.Answer);
        Assert.Equal(parameter == "present" ? 3 : 4, Encoding.UTF8.GetString(service.Answer).Split('\n').Length - 1);
    }

    [Theory]
    [InlineData("encode", "decode")]
    public async Task What_one_program_writes_the_other_reads(string there, string back)
    {
        byte[] body = Encoding.UTF8.GetBytes("x_0,x_1\n0,5\n1.5,-2\n");
        foreach ((_, string accept, string extension) in Answers)
        {
            Said encoded = await both.ServiceAsync($"/{there}?model=two-moons", body, Csv, accept);
            if (accept == Json)
                continue; // an answer of JSON is an object of columns, and no body
            Said byService = await both.ServiceAsync($"/{back}?model=two-moons", encoded.Answer, accept, accept);
            Said byLine = both.CommandLine(back, "two-moons", both.Write($"latents{extension}", encoded.Answer), extension);
            Assert.Null(byService.Refusal);
            Assert.Equal(byService.Answer, byLine.Answer);
        }
    }

    [Fact]
    public async Task Every_cut_of_a_compressed_file_is_refused_by_both()
    {
        byte[] whole = Packed("x,y\n0.1234,0.5678\n-1.25,0.5\n0.5,0.25\n");
        for (int length = 1; length <= whole.Length; length++)
        {
            byte[] cut = whole[..length];
            Said service = await both.ServiceAsync("/logprob?model=two-moons", cut, Csv, Csv, "gzip");
            Said line = both.CommandLine("logprob", "two-moons", both.Write("rows.csv.gz", cut), ".csv");
            Assert.Equal(length < whole.Length, service.Refusal is not null);
            Assert.Equal(length < whole.Length, line.Refusal is not null);
            Assert.Equal(service.Answer, line.Answer);
        }
    }

    [Fact]
    public async Task Members_of_a_compressed_file_are_one_body_and_anything_else_behind_them_is_refused_by_both()
    {
        byte[] first = Packed("x,y\n0.1234,0.5678\n-1.2"), second = Packed("5,0.5\n"), whole = [.. first, .. second];
        (byte[] File, bool IsWhole)[] files = [(whole, true), ([.. whole, 0], false), ([.. whole, .. "1,2\n"u8], false), ([.. first, 0, .. second], false)];
        foreach ((byte[] file, bool isWhole) in files)
        {
            Said service = await both.ServiceAsync("/logprob?model=two-moons", file, Csv, Csv, "gzip");
            Said line = both.CommandLine("logprob", "two-moons", both.Write("rows.csv.gz", file), ".csv");
            Assert.Equal(isWhole ? null : "the body cannot be decompressed: other bytes follow its end", service.Refusal);
            Assert.Equal(service.Refusal, line.Refusal);
            Assert.Equal(service.Answer, line.Answer);
        }
        Said plain = await both.ServiceAsync("/logprob?model=two-moons", "x,y\n0.1234,0.5678\n-1.25,0.5\n"u8.ToArray(), Csv, Csv);
        Assert.Equal(plain.Answer, (await both.ServiceAsync("/logprob?model=two-moons", whole, Csv, Csv, "gzip")).Answer);
    }

    private static byte[] Packed(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }

    private async Task AgreeAsync(
        string operation, string model, byte[] body, string type, string file, string accept, string extension, (string Query, string Options)? more = null)
    {
        Said service = await both.ServiceAsync($"/{operation}?model={model}{(more is { } query ? $"&{query.Query}" : "")}", body, type, accept);
        Said line = both.CommandLine(operation, model, file, extension, more?.Options.Split(' ') ?? []);

        if (service.Refusal is null && line.Refusal is null)
            Assert.Equal(service.Answer, line.Answer);
        else
            Assert.Equal(WithoutLimits(service.Refusal), WithoutLimits(line.Refusal));
    }

    // A file's own size is the limit of what it may claim.
    private static string? WithoutLimits(string? refusal) => refusal is null ? null : Regex.Replace(refusal, @"\d+ \(Limits:", "N (Limits:");
}
