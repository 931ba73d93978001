using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using FlowCore.Calibration;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

/// <summary>P-values, decisions, q-values and reasons, over HTTP.</summary>
public sealed class ScoreTests(SharedService service)
{
    private const string Far = """{"model":"two-moons","x":[[0,0.1],[0.5,-0.25],[30,-30]]""";

    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task P_values_come_with_what_they_rest_on()
    {
        JsonElement answer = await http.AskAsync("/logprob", Far + ""","include":["p_value","severity"]}""");

        float[] p = answer.Floats("p_value");
        Assert.True(p[0] > 0.1);
        Assert.Equal(1f / 401, p[2]);
        Assert.Equal((1f / 401, 400), (answer.GetProperty("p_min").GetSingle(), answer.GetProperty("calibration_rows").GetInt32()));
        Assert.Equal(p.Select(value => Severity.Of(value)), answer.Floats("severity").Select(value => (double)value), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.False(answer.TryGetProperty("anomaly", out _));
    }

    [Fact]
    public async Task Alpha_decides_without_loading_anything_anew()
    {
        JsonElement mild = await http.AskAsync("/logprob", Far + ""","alpha":0.05}"""), strict = await http.AskAsync("/logprob", Far + ""","alpha":0.001}""");

        Assert.Equal([false, false, true], Flags(mild));
        Assert.Equal([false, false, false], Flags(strict));
        Assert.False(mild.TryGetProperty("warnings", out _));
        Assert.Contains("at least 999 rows", strict.GetProperty("warnings")[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Q_values_are_those_of_the_request_in_one_piece_or_in_parts()
    {
        const int rows = 20000; // more than one part of a stream
        string csv = "x_0,x_1\n" + string.Join('\n', Enumerable.Range(0, rows).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i % 97 / 20.0 - 2},{i % 89 / 10.0 - 4}"))) + "\n";

        JsonElement whole = await http.AskAsync("/logprob?model=two-moons&include=p_value,q_value",
            $$"""{"x":[{{string.Join(',', csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => $"[{line}]"))}}]}""");
        string inParts = await http.CsvAsync("/logprob?model=two-moons&include=p_value,q_value", csv);
        Npy array = await http.NpyAsync("/logprob?model=two-moons&include=p_value,q_value", Encoding.UTF8.GetBytes(csv), "text/csv");

        float[] p = whole.Floats("p_value"), q = whole.Floats("q_value");
        float[] sorted = [.. p.Order()];
        int last = Array.LastIndexOf(sorted, p[0]);
        Assert.Equal(Enumerable.Range(last, rows - last).Min(j => (double)sorted[j] * rows / (j + 1)), q[0], 1e-5);
        Assert.Equal(q, inParts.TrimEnd('\n').Split('\n').Skip(1).Select(line => float.Parse(line.Split(',')[2], CultureInfo.InvariantCulture)));
        Assert.Equal(rows, array.Shape[0]);
    }

    [Fact]
    public async Task Every_format_says_the_same()
    {
        byte[] csv = "x_0,x_1\n0,0.1\n0.5,-0.25\n30,-30\n"u8.ToArray();
        const string path = "/logprob?model=two-moons&include=p_value,z_scores&alpha=0.05";
        JsonElement json = await http.AskAsync("/logprob?include=p_value,z_scores", Far + ""","alpha":0.05}""");

        string text = Encoding.UTF8.GetString(await http.RowsAsync(path, csv, "text/csv"));
        using HttpResponseMessage response = await http.PostAsync(path, csv, "text/csv");
        Npy array = await http.NpyAsync(path, csv, "text/csv");

        string[] lines = text.TrimEnd('\n').Split('\n');
        Assert.Equal("log_prob,p_value,z_score_x_0,z_score_x_1,anomaly", lines[0]);
        Assert.Equal(json.Floats("p_value"), lines.Skip(1).Select(line => float.Parse(line.Split(',')[1], CultureInfo.InvariantCulture)));
        Assert.Equal(Flags(json), lines.Skip(1).Select(line => line.EndsWith(",true", StringComparison.Ordinal)));
        Assert.Equal(["400"], response.Headers.GetValues("flow-calibration-rows"));
        Assert.Equal(3, array.Shape[0]);
    }

    [Fact]
    public async Task Reasons_name_the_features_and_what_was_to_be_expected()
    {
        JsonElement answer = await http.AskAsync("/logprob",
            """{"model":"patients","x":[[0.1,0.2],[0.1,40]],"context":[[0.5],[-0.5]],"include":["attribution"],"explain":"flagged","top":1,"alpha":0.05}""");

        JsonElement reasons = answer.GetProperty("attribution");
        Assert.Equal(JsonValueKind.Null, reasons[0].ValueKind);
        Assert.Equal(("weight", 40f, 1), (reasons[1][0].GetProperty("feature").GetString(), reasons[1][0].GetProperty("value").GetSingle(), reasons[1].GetArrayLength()));
        Assert.True(reasons[1][0].GetProperty("nats").GetSingle() > 100);
        Assert.InRange(reasons[1][0].GetProperty("expected").GetSingle(), -4f, 4f);
    }

    [Fact]
    public async Task More_reasons_than_features_are_all_the_features_in_every_format()
    {
        JsonElement answer = await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1]],"include":["attribution"],"top":3}""");
        string csv = await http.CsvAsync("/score?model=two-moons&alpha=0.01&include=p_value,attribution&top=3", "x_0,x_1\n0,1\n");

        Assert.Equal(2, answer.GetProperty("attribution")[0].GetArrayLength());
        Assert.Equal("x_0,x_1,log_prob,p_value,anomaly,reason_1,reason_2,error", csv.Split('\n')[0].TrimEnd());
    }

    [Theory]
    [InlineData("""{"model":"wide","x":[[0]],"include":["p_value"]}""", "not-calibrated", "'wide'")]
    [InlineData("""{"model":"wide","x":[[0]],"alpha":0.1}""", "not-calibrated", "flow calibrate")]
    [InlineData("""{"model":"two-moons","x":[[0,1]],"alpha":0}""", "invalid-argument", "above 0")]
    [InlineData("""{"model":"two-moons","x":[[0,1]],"alpha":1}""", "invalid-argument", "below 1")]
    [InlineData("""{"model":"two-moons","x":[[0,1]],"alpha":"low"}""", "invalid-argument", "must be a number")]
    [InlineData("""{"model":"two-moons","x":[[0,1]],"score":"z"}""", "invalid-argument", "log_prob, latent_norm2, kernel or combined")]
    [InlineData("""{"model":"two-moons","x":[[0,1]],"score":"log_prob"}""", "invalid-argument", "p_value")]
    [InlineData("""{"model":"two-moons","x":[[0,1]],"top":1}""", "invalid-argument", "attribution")]
    [InlineData("""{"model":"two-moons","x":[[0,1]],"top":0,"include":["attribution"]}""", "invalid-argument", "1 or more")]
    [InlineData("""{"model":"two-moons","x":[[0,1]],"explain":"flagged","include":["attribution"]}""", "invalid-argument", "give alpha")]
    public async Task What_cannot_be_asked_says_what_to_change(string body, string type, string words)
    {
        JsonElement problem = await http.RefusedAsync("/logprob", body, HttpStatusCode.UnprocessableEntity);

        Assert.Equal(type, problem.Type());
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_array_has_no_place_for_reasons()
    {
        JsonElement problem = await http.RefusedAsync("/logprob?model=two-moons&include=attribution", "0,1\n"u8.ToArray(), "text/csv", HttpStatusCode.NotAcceptable, Npy.MediaType);

        Assert.Contains("CSV", problem.Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reasons_beyond_the_limit_are_refused_by_a_number()
    {
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Scoring:Evaluations", "64"));
        using HttpClient client = host.Http();

        _ = await client.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1],[1,1]],"include":["attribution"]}""");
        JsonElement problem = await client.RefusedAsync("/logprob", """{"model":"two-moons","x":[[0,1],[1,1],[2,2]],"include":["attribution"]}""", HttpStatusCode.RequestEntityTooLarge);

        const string lacking = """{"model":"two-moons","missing":"marginalize","x":[[0,null]],"include":[%]}""";
        _ = await client.AskAsync("/logprob", lacking.Replace("%", "", StringComparison.Ordinal));
        JsonElement pattern = await client.RefusedAsync("/logprob", lacking.Replace("%", "\"p_value\"", StringComparison.Ordinal), HttpStatusCode.RequestEntityTooLarge);

        Assert.Contains("p-values take 9600 evaluations", pattern.Detail(), StringComparison.Ordinal); // 300 reference rows, 32 draws of what 100 others lend
        Assert.Contains("3 rows takes 96 evaluations of the model, 32 a row, and at most 64 are made (Scoring:Evaluations): send at most 2 rows", problem.Detail(), StringComparison.Ordinal);
        Assert.Equal(0, host.Pool.Outstanding);
    }

    [Fact]
    public async Task Score_passes_columns_on_and_goes_on_behind_a_bad_row()
    {
        const string csv = "id,x_1,x_0\na,0.1,0\nb,none,1\nc,-30,30\n";

        string[] lines = (await http.CsvAsync("/score?model=two-moons&alpha=0.05", csv)).TrimEnd('\n').Split('\n');
        string explained = await http.CsvAsync("/score?model=two-moons&alpha=0.05&include=p_value,attribution", csv);

        Assert.Equal("id,x_1,x_0,log_prob,p_value,q_value,anomaly,error", lines[0]);
        Assert.EndsWith(",false,", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("b,none,1,nan,nan,nan,,", lines[2], StringComparison.Ordinal);
        Assert.EndsWith(",true,", lines[3], StringComparison.Ordinal);
        Assert.StartsWith("id,x_1,x_0,log_prob,p_value,anomaly,reason_1,reason_2,error\n", explained, StringComparison.Ordinal);
        Assert.Contains("x_0 = 30 (", explained, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_may_be_objects_with_their_columns_by_name()
    {
        JsonElement byPlace = await http.AskAsync("/logprob", """{"model":"patients","x":[[1,2],[2,1]],"context":[[0.5],[0.7]]}""");
        JsonElement byName = await http.AskAsync("/logprob", """{"model":"patients","x":[{"weight":2,"age":0.5,"height":1},{"height":2,"weight":1,"age":0.7}]}""");
        JsonElement beside = await http.AskAsync("/logprob?ignore_extra=true", """{"model":"patients","x":[{"name":"Ada","weight":2,"height":1}],"context":0.5}""");
        JsonElement bad = await http.AskAsync("/score", """{"model":"two-moons","x":[{"x_0":0,"x_1":0.1},{"x_0":"a","x_1":0.1},{"x_1":1}],"alpha":0.05}""");

        Assert.Equal(byPlace.Floats("log_prob"), byName.Floats("log_prob"));
        Assert.Equal(byPlace.Floats("log_prob")[0], beside.Floats("log_prob")[0]);
        Assert.Equal([false, true, true], bad.GetProperty("error").EnumerateArray().Select(error => error.ValueKind == JsonValueKind.String));
        foreach ((string rows, string words) in (IEnumerable<(string, string)>)[
            ("""[{"x_0":1}]""", "'x_1' is missing"), ("""[{"x_0":1,"x_1":2,"y":3}]""", "'y' is unknown"), ("""[{"x_0":1,"x_1":null}]""", "column 'x_1' is null"),
            ("""[{"x_0":1,"x_1":2},{"x_0":1,"z":2}]""", "the field 'z', which the first row has not"), ("""[{"x_0":1,"x_1":2},{"x_0":1}]""", "row 1, column 'x_1' is missing"),
            ("""[{"x_0":1,"x_1":2},[1,2]]""", "row 1 is a list"), ("""[[1,2],{"x_0":1,"x_1":2}]""", "row 1 is an object"), ("""[{"x_0":[1],"x_1":2}]""", "has a list in the field 'x_0'"), ("[{}]", "is an empty object")])
            Assert.Contains(words, (await http.RefusedAsync("/logprob", $$"""{"model":"two-moons","x":{{rows}}}""", HttpStatusCode.UnprocessableEntity)).Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Score_reads_and_writes_JSON_lines()
    {
        const string type = "application/x-ndjson";
        const string lines = """
            {"id":7,"tags":["a",{"b":null}],"name":"J\u00fcrgen","x_1":0.1,"x_0":0}
            {"id":8,"x_0":1,"x_1":"none"}
            {"id":9,"x_0":1,
            {"id":10,"x_1":-30,"x_0":30,"name":null}

            """;

        string answer = Encoding.UTF8.GetString(await http.RowsAsync("/score?model=two-moons&alpha=0.05", Encoding.UTF8.GetBytes(lines), type));
        string csv = Encoding.UTF8.GetString(await http.RowsAsync("/score?model=two-moons&alpha=0.05", Encoding.UTF8.GetBytes(lines), type, "text/csv"));
        string fromCsv = await http.CsvAsync("/score?model=two-moons&alpha=0.05", "id,x_0,x_1\na,0,0.1\n", type);

        JsonElement[] rows = [.. answer.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.StartsWith("""{"id":7,"tags":["a",{"b":null}],"name":"J\u00fcrgen","x_1":0.1,"x_0":0,"log_prob":""", answer, StringComparison.Ordinal);
        Assert.Equal([JsonValueKind.False, JsonValueKind.Null, JsonValueKind.Null, JsonValueKind.True], rows.Select(row => row.GetProperty("anomaly").ValueKind));
        Assert.Contains("column 'x_1' is a string", rows[1].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Contains("row 2 of the body is not JSON (line 3)", rows[2].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Contains("Jürgen,0.1,0,", csv, StringComparison.Ordinal);
        Assert.StartsWith("""{"id":"a","x_0":"0","x_1":"0.1","log_prob":""", fromCsv, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Score_reads_and_writes_Parquet_and_refuses_what_is_damaged()
    {
        const string type = "application/vnd.apache.parquet";
        byte[] table = await http.RowsAsync("/score?model=two-moons&alpha=0.05&include=p_value", """{"id":7,"x_1":0.1,"x_0":0}"""u8.ToArray(), "application/x-ndjson", type);
        // The numbers passed through as they were written, which is text: samples are a table of numbers.
        byte[] samples = await http.RowsAsync("/sample?model=two-moons&count=500&seed=3", null, null, "text/csv");
        byte[] arrow = await http.RowsAsync("/sample?model=two-moons&count=500&seed=3", null, null, type);

        string fromCsv = Encoding.UTF8.GetString(await http.RowsAsync("/logprob?model=two-moons&include=p_value,q_value", samples, "text/csv"));
        string fromParquet = Encoding.UTF8.GetString(await http.RowsAsync("/logprob?model=two-moons&include=p_value,q_value", arrow, type, "text/csv"));

        Assert.Equal("PAR1"u8.ToArray(), table[..4]);
        Assert.Equal(fromCsv, fromParquet);
        for (int length = 0; length < arrow.Length; length += 1 + arrow.Length / 40)
            _ = await http.RefusedAsync("/logprob?model=two-moons", arrow[..length], type, HttpStatusCode.BadRequest);
        for (int at = 4; at < arrow.Length; at += 1 + arrow.Length / 40)
        {
            byte[] damaged = [.. arrow];
            damaged[at] ^= 0xFF;
            using HttpResponseMessage response = await http.PostAsync("/logprob?model=two-moons", damaged, type);
            Assert.True((int)response.StatusCode < 500, $"byte {at}: {(int)response.StatusCode}");
        }
        _ = await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1]]}""");
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("[1,2]\n", "not a JSON object")]
    [InlineData("{\"x_0\":1}\n", "'x_1' is missing")]
    [InlineData("{\"x_0\":1,\"x_1\":2,\"extra\":3}\n", "'extra' is unknown")]
    [InlineData("{\"x_0\":1,\"x_1\":2}\n{\"x_0\":1}\n", "column 'x_1' is missing")]
    [InlineData("{\"x_0\":1,\"x_1\":2}\n{\"x_0\":1,\"x_1\":1e99}\n", "too large")]
    [InlineData("{\"x_0\":1,\"x_1\":2}\n{\"x_0\":1,\"x_1\":2,\"y\":1}\n", "the field 'y', which the first line has not")]
    public async Task JSON_lines_that_cannot_be_read_say_where(string body, string words)
    {
        using HttpResponseMessage response = await http.PostAsync("/logprob?model=two-moons", Encoding.UTF8.GetBytes(body), "application/x-ndjson");

        Assert.InRange((int)response.StatusCode, 400, 422);
        Assert.Contains(words, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.Detail(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_lacks_a_value_is_scored_where_that_is_asked_for()
    {
        JsonElement whole = await http.AskAsync("/logprob", """{"model":"two-moons","missing":"marginalize","x":[[0,null],[0,0.1],[30,null]],"include":["p_value","z"]}""");
        string csv = await http.CsvAsync("/logprob?model=two-moons&missing=marginalize&include=p_value", "x_0,x_1\n0,\n0,0.1\n30,NA\n");
        JsonElement refused = await http.RefusedAsync("/logprob", """{"model":"two-moons","x":[[0,null]],"include":["p_value"]}""", HttpStatusCode.UnprocessableEntity);
        JsonElement late = await http.RefusedAsync("/logprob", """{"model":"two-moons","x":[[0,1]],"missing":"marginalize"}""", HttpStatusCode.UnprocessableEntity);
        Npy array = await http.NpyAsync("/logprob?model=two-moons&missing=marginalize", Npy.Of([0, float.NaN, 0, 0.1f, 30, float.NaN], 3, 2));

        float[] p = whole.Floats("p_value"), logProb = whole.Floats("log_prob");
        Assert.Equal([1f, 0, 1], whole.Floats("n_missing"));
        Assert.Equal(p, (await http.AskAsync("/logprob", """{"model":"two-moons","missing":"marginalize","x":[[0,null],[0,0.1],[30,null]],"include":["p_value"]}""")).Floats("p_value"));
        Assert.Equal(1f / 301, p[2]);
        Assert.True(p[0] > 0.1 && p[1] > 0.1 && p[2] < 0.05);
        Assert.True(float.IsNaN(whole.GetProperty("z")[0][0].ValueKind == JsonValueKind.Null ? float.NaN : 0) && whole.GetProperty("z")[1][0].ValueKind == JsonValueKind.Number);
        Assert.Equal(["log_prob,p_value,n_missing", .. Enumerable.Range(0, 3).Select(i => string.Create(CultureInfo.InvariantCulture, $"{logProb[i]},{p[i]},{(i == 1 ? 0 : 1)}"))],
            csv.TrimEnd('\n').Split('\n'));
        Assert.Equal(("invalid-value", "invalid-argument"), (refused.Type(), late.Type()));
        Assert.Equal(3, array.Shape[0]);
    }

    [Fact]
    public async Task Score_takes_arrays_and_JSON_as_well()
    {
        JsonElement json = await http.AskAsync("/score", """{"model":"two-moons","x":[[0,0.1],[1],[30,-30]]}""");
        Npy array = await http.NpyAsync("/score?model=two-moons", Npy.Of([0, 0.1f, 30, -30], 2, 2));

        Assert.Equal(JsonValueKind.True, json.GetProperty("anomaly")[2].ValueKind);
        Assert.Contains("takes 2", json.GetProperty("error")[1].GetString(), StringComparison.Ordinal);
        Assert.Equal(2, array.Shape[0]);
    }

    [Fact]
    public async Task A_model_says_what_it_was_calibrated_with()
    {
        JsonElement calibrated = await http.GetFromJsonAsync<JsonElement>("/models/two-moons"), other = await http.GetFromJsonAsync<JsonElement>("/models/wide");

        Assert.Equal(400, calibrated.GetProperty("calibration").GetProperty("rows").GetInt32());
        Assert.False(other.TryGetProperty("calibration", out _));
    }

    [Fact]
    public async Task A_damaged_calibration_is_that_models_failure_alone()
    {
        using TemporaryFolder repository = TestModels.Repository();
        File.WriteAllBytes(Path.Combine(repository.Path, "wide", "1", CalibrationSet.File), new byte[40]);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using HttpClient client = host.Http();

        JsonElement failed = await client.GetFromJsonAsync<JsonElement>("/models/wide");
        _ = await client.AskAsync("/logprob", Far + ""","alpha":0.05}""");

        Assert.Equal("failed", failed.GetProperty("state").GetString());
        Assert.Contains(CalibrationSet.File, failed.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    private static bool[] Flags(JsonElement answer) => [.. answer.GetProperty("anomaly").EnumerateArray().Select(flag => flag.GetBoolean())];
}
