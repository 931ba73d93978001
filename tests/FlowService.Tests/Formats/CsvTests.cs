using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Formats;

public sealed class CsvTests(SharedService service)
{
    private const string Patients = "/logprob?model=patients";

    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task Columns_are_found_by_name_in_any_order()
    {
        float[] expected = (await http.AskAsync("/logprob", """{"model":"patients","x":[[1,2],[3,4]],"context":[[0.5],[0.7]]}""")).Floats("log_prob");

        string answer = await http.CsvAsync(Patients, "weight,age,height\n2,0.5,1\n4,0.7,3\n");

        Assert.Equal(Lines("log_prob", expected), answer);
    }

    [Theory]
    [InlineData("height;weight;age\n1;2;0,5\n")]
    [InlineData("height\tweight\tage\r\n1\t2\t0.5\r\n")]
    [InlineData("\uFEFF\"height\", weight ,age\n 1,\"2\",5e-1")]
    [InlineData("1,2,0.5\n")]
    public async Task Usual_dialects_are_read(string csv)
    {
        float[] expected = (await http.AskAsync("/logprob", """{"model":"patients","x":[[1,2]],"context":[[0.5]]}""")).Floats("log_prob");

        Assert.Equal(Lines("log_prob", expected), await http.CsvAsync(Patients, csv));
    }

    [Fact]
    public async Task Kept_columns_come_back_as_they_were_sent_in_their_order()
    {
        const string csv = "id,height,weight,age,note\n007,1,2,0.5,\"a, \"\"b\"\"\nc\"\n8,3,4,0.50,\n";

        string some = await http.CsvAsync($"{Patients}&keep=note,id", csv);
        string all = await http.CsvAsync($"{Patients}&keep=*", csv);

        Assert.StartsWith("id,note,log_prob\n007,\"a, \"\"b\"\"\nc\",", some, StringComparison.Ordinal);
        Assert.StartsWith("id,height,weight,age,note,log_prob\n007,1,2,0.5,\"a, \"\"b\"\"\nc\",", all, StringComparison.Ordinal);
        Assert.Contains("\n8,3,4,0.50,,", all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_rows_and_odd_ones_are_read_and_passed_on_alike()
    {
        const string csv = "id,height,weight,age,note\nz,1,2,0.5,y\n#a,1,2,0.5,#\n b c ,1,2,0.5,\td\n\"d, \"\"e\"\"\", 1 ,2,0.5,\"\"\nf g,+1,2,.5, \n,1.0,2e0,\"5e-1\",h\n";
        const string passed = "id,height,weight,age,note,log_prob\nz,1,2,0.5,y,L\n\"#a\",1,2,0.5,#,L\nb c,1,2,0.5,d,L\n\"d, \"\"e\"\"\",1,2,0.5,,L\nf g,+1,2,.5,,L\n,1.0,2e0,5e-1,h,L\n";
        float density = (await http.AskAsync("/logprob", """{"model":"patients","x":[[1,2]],"context":[0.5]}""")).Floats("log_prob")[0];

        string all = await http.CsvAsync($"{Patients}&keep=*", csv);
        using HttpResponseMessage lines = await http.PostAsync($"{Patients}&keep=id,note", Encoding.UTF8.GetBytes(csv), "text/csv", "application/x-ndjson");
        string[] ids = [.. (await lines.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()!)];

        Assert.Equal(passed.Replace("L", density.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal), all);
        Assert.Equal(["z", "#a", "b c", "d, \"e\"", "f g", ""], ids);
    }

    [Theory]
    [InlineData("text/csv; header=absent", false)]
    [InlineData("text/csv;header=\"Absent\";charset=utf-8, */*;q=0.1", false)]
    [InlineData("text/csv; header=present", true)]
    [InlineData("text/*", true)]
    [InlineData("application/json;q=0.5, text/csv; header=absent; q=0.6", false)]
    public async Task The_line_of_names_is_there_unless_the_client_wants_none(string accept, bool present)
    {
        byte[] body = "height,weight,age\n1,2,0.5\n"u8.ToArray();
        using HttpResponseMessage response = await http.PostAsync(Patients, body, "text/csv", accept);
        string[] lines = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(present ? "text/csv" : "text/csv; header=absent", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(present ? ["log_prob", lines[^1]] : [lines[^1]], lines);
        Assert.True(float.TryParse(lines[^1], CultureInfo.InvariantCulture, out _));
    }

    [Fact]
    public async Task Rows_keep_their_order()
    {
        float[] first = [.. Enumerable.Range(0, 5000).Select(i => i / 1000f)];
        string csv = "id,height,weight,age\n" + string.Concat(first.Select((value, i) => $"{i},{value.ToString(CultureInfo.InvariantCulture)},1,0\n"));
        float[] expected = (await http.AskAsync("/logprob", $$"""{"model":"patients","x":{{JsonSerializer.Serialize(first.Select(value => new[] { value, 1 }))}},"context":[0]}""")).Floats("log_prob");

        string[] lines = (await http.CsvAsync($"{Patients}&keep=id", csv)).Split('\n');

        for (int i = 0; i < first.Length; i++)
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{i},{expected[i]}"), lines[i + 1]);
    }

    [Fact]
    public async Task Every_operation_answers_with_named_columns()
    {
        string sampled = await http.CsvAsync("/sample?model=patients&count=2&seed=1&include=z", "age\n0.5\n0.7\n");
        string encoded = await http.CsvAsync("/encode?model=patients&context=0.5", "height,weight\n1,2\n");
        string decoded = await http.CsvAsync("/decode?model=patients&context=0.5&keep=log_q", "z_1,z_0,log_q\n0,0,1\n");

        Assert.StartsWith("height,weight,log_prob,log_q,z_0,z_1\n", sampled, StringComparison.Ordinal);
        Assert.Equal(6, sampled.Split('\n').Length);
        Assert.StartsWith("z_0,z_1,log_det\n", encoded, StringComparison.Ordinal);
        Assert.StartsWith("log_q,height,weight,log_det\n1,", decoded, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_density_of_zero_is_minus_infinity()
    {
        Assert.Equal("log_prob\n-inf\n", await http.CsvAsync("/logprob?model=wide", string.Join(',', Enumerable.Repeat("1e25", 30)) + "\n"));
    }

    [Theory]
    [InlineData("height,age\n1,2\n", "missing-column", "column 'weight' is missing; model 'patients' takes height, weight, age")]
    [InlineData("height,weight,age,id\n1,2,3,4\n", "unknown-column", "column 'id' is unknown; model 'patients' takes height, weight, age. keep=id in the query passes it on")]
    [InlineData("height,weight,Age\n1,2,3\n", "missing-column", "'age'")]
    [InlineData("height,weight,age\n1,2,3\n1,,3\n", "invalid-value", "row 1, column 'weight' is empty")]
    [InlineData("height,weight,age\n1,2,3\n1,two,3\n", "invalid-value", "row 1, column 'weight' is 'two'")]
    [InlineData("height,weight,age\n1,2,nan\n", "invalid-value", "row 0, column 'age' is 'nan'")]
    [InlineData("height,weight,age\n1,2,1e39\n", "invalid-value", "row 0, column 'age' is '1e39'")]
    [InlineData("1,2\n", "wrong-width", "the rows have 2 values, model 'patients' takes 2 and then 1 of context")]
    [InlineData("height,weight,age\n", "invalid-argument", "no rows")]
    public async Task Rows_that_do_not_fit_are_refused_by_place(string csv, string type, string words)
    {
        JsonElement problem = await http.RefusedAsync(Patients, Encoding.UTF8.GetBytes(csv), "text/csv", HttpStatusCode.UnprocessableEntity);

        Assert.Equal(type, problem.Type());
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("height,weight,age\n1,2,3\n1,2\n", "row 1")]
    [InlineData("height,weight,age\n1,2,\"3\n", "row 0")]
    [InlineData("height,height,age\n1,2,3\n", "two columns are named 'height'")]
    public async Task What_is_no_table_is_refused(string csv, string words)
    {
        JsonElement problem = await http.RefusedAsync(Patients, Encoding.UTF8.GetBytes(csv), "text/csv", HttpStatusCode.BadRequest);

        Assert.Equal("invalid-body", problem.Type());
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("&keep=colour", "text/csv", "missing-column", "colour")]
    [InlineData("&keep=id", "application/json", "invalid-argument", "CSV or Arrow")]
    [InlineData("&dtype=float64", "text/csv", "invalid-argument", "dtype")]
    [InlineData("&keep=id,log_prob", "text/csv", "invalid-argument", "name of a column of the answer")]
    public async Task What_an_answer_cannot_carry_is_refused(string query, string accept, string type, string words)
    {
        JsonElement problem = await http.RefusedAsync(
            Patients + query, "height,weight,age,id,log_prob\n1,2,3,4,5\n"u8.ToArray(), "text/csv", HttpStatusCode.UnprocessableEntity, accept);

        Assert.Equal(type, problem.Type());
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
    }

    private static string Lines(string header, float[] values) =>
        string.Concat(values.Select(value => value.ToString(CultureInfo.InvariantCulture)).Prepend(header).Select(line => line + "\n"));
}
