using System.Net;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Http;

/// <summary>Requests that are JSON and cannot be served: 422, with the place of the fault.</summary>
public sealed class UnprocessableTests(SharedService service)
{
    private readonly HttpClient http = service.Http;

    [Theory]
    [InlineData("[[1,2],[1,2,3],[1,2]]", 1, "row 1 has 3 values")]
    [InlineData("[[1,2],[]]", 1, "row 1 has 0 values")]
    [InlineData("[[1],[1,2],[1,2]]", 0, "row 0 has 1 values")]
    [InlineData("[[1,2,3]]", 0, "takes 2")]
    [InlineData("[[]]", 0, "row 0 has 0 values")]
    public async Task A_row_of_the_wrong_width_is_named(string rows, int row, string words)
    {
        foreach (string body in (string[])[$$"""{"model":"two-moons","x":{{rows}}}""", $$"""{"x":{{rows}},"model":"two-moons"}"""])
        {
            JsonElement problem = await http.RefusedAsync("/logprob", body, HttpStatusCode.UnprocessableEntity);

            Assert.Equal("wrong-width", problem.Type());
            Assert.Equal(row, problem.GetProperty("row").GetInt32());
            Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("null", "null")]
    [InlineData("\"7\"", "a string")]
    [InlineData("true", "a boolean")]
    [InlineData("[1]", "a list")]
    [InlineData("{}", "an object")]
    [InlineData("NaN", "NaN")]
    [InlineData("Infinity", "Infinity")]
    [InlineData("-Infinity", "-Infinity")]
    [InlineData("1e39", "too large")]
    [InlineData("-3.5e38", "too large")]
    [InlineData("1e400", "too large")]
    [InlineData("123456789012345678901234567890123456789012345678901234567890", "too large")]
    public async Task A_value_that_is_no_finite_number_is_named_by_row_and_column(string value, string words)
    {
        JsonElement problem = await http.RefusedAsync(
            "/encode", $$"""{"model":"two-moons","x":[[1,2],[3,{{value}}]]}""", HttpStatusCode.UnprocessableEntity);

        Assert.Equal("invalid-value", problem.Type());
        Assert.Equal((1, 1), (problem.GetProperty("row").GetInt32(), problem.GetProperty("column").GetInt32()));
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
        Assert.Equal("x", problem.GetProperty("field").GetString());
    }

    [Theory]
    [InlineData("/logprob", """{"model":"two-moons"}""", "missing-field", "x is missing")]
    [InlineData("/decode", """{"model":"two-moons"}""", "missing-field", "z is missing")]
    [InlineData("/sample", """{"model":"two-moons"}""", "missing-field", "count is missing")]
    [InlineData("/logprob", """{"x":[[1,2]]}""", "missing-field", "model is missing; the models are digits")]
    [InlineData("/logprob", """{"model":"two-moons","y":[[1,2]]}""", "unknown-field", "'y'")]
    [InlineData("/encode", """{"model":"two-moons","z":[[1,2]]}""", "unknown-field", "model, version, x")]
    [InlineData("/logprob", """{"model":"two-moons","x":[[1,2]],"x":[[1,2]]}""", "duplicate-field", "'x'")]
    [InlineData("/logprob", """{"model":"two-moons","model":"two-moons","x":[[1,2]]}""", "duplicate-field", "'model'")]
    [InlineData("/logprob", """{"model":"two-moons","x":[]}""", "invalid-argument", "no rows")]
    [InlineData("/logprob", """{"model":"two-moons","x":[1,2]}""", "invalid-argument", "row 0 is a number")]
    [InlineData("/logprob", """{"model":"two-moons","x":null}""", "invalid-argument", "it is null")]
    [InlineData("/logprob", """{"model":"two-moons","x":{"a":1}}""", "invalid-argument", "it is an object")]
    [InlineData("/logprob", """{"model":"two-moons","x":[[1,2],3]}""", "invalid-argument", "row 1 is a number")]
    [InlineData("/logprob", """{"model":7,"x":[[1,2]]}""", "invalid-argument", "model must be a string; it is the number 7")]
    [InlineData("/logprob", """{"model":"two-moons","version":"1","x":[[1,2]]}""", "invalid-argument", "version must be an integer of 32 bits; it is the string '1'")]
    [InlineData("/logprob", """{"model":"two-moons","include":"z","x":[[1,2]]}""", "invalid-argument", "include must be a list of strings; it is the string 'z'")]
    [InlineData("/logprob", """{"model":"two-moons","include":[1],"x":[[1,2]]}""", "invalid-argument", "include must be a list of strings; include holds the number 1")]
    [InlineData("/logprob", """{"model":"two-moons","timeout_ms":0,"x":[[1,2]]}""", "invalid-argument", "timeout_ms")]
    [InlineData("/logprob", """{"model":"two-moons","timeout_ms":999999999,"x":[[1,2]]}""", "invalid-argument", "timeout_ms")]
    [InlineData("/logprob", """{"model":"two-moons","include":["p"],"x":[[1,2]]}""", "unsupported-include", "z, log_det, latent_norm2, bits_per_dim, p_value")]
    [InlineData("/sample", """{"model":"two-moons","include":["attribution"],"count":1}""", "unsupported-include", "offers z")]
    [InlineData("/sample", """{"model":"two-moons","count":0}""", "invalid-argument", "count must lie in 1..100000 (Limits:SamplesPerRequest); it is 0")]
    [InlineData("/sample", """{"model":"two-moons","count":-5}""", "invalid-argument", "1..100000")]
    [InlineData("/sample", """{"model":"two-moons","count":100001}""", "invalid-argument", "1..100000")]
    [InlineData("/sample", """{"model":"two-moons","count":1.5}""", "invalid-argument", "count must be an integer")]
    [InlineData("/sample", """{"model":"two-moons","count":2147483648}""", "invalid-argument", "count must lie in 1..100000")]
    [InlineData("/sample", """{"model":"two-moons","count":1,"seed":-1}""", "invalid-argument", "seed must be an integer")]
    [InlineData("/sample", """{"model":"two-moons","count":1,"seed":18446744073709551616}""", "invalid-argument", "seed must be an integer")]
    [InlineData("/sample", """{"model":"two-moons","count":1,"temperature":0}""", "invalid-argument", "temperature must lie above 0 and up to 100; it is 0")]
    [InlineData("/sample", """{"model":"two-moons","count":1,"temperature":1e-46}""", "invalid-argument", "it is 1E-46, which is 0 in 32 bits")]
    [InlineData("/sample", """{"model":"two-moons","count":1,"temperature":-1}""", "invalid-argument", "temperature")]
    [InlineData("/sample", """{"model":"two-moons","count":1,"temperature":1e400}""", "invalid-argument", "temperature")]
    [InlineData("/sample", """{"model":"digits","count":50001,"context":[0,1]}""", "invalid-argument", "2 context rows")]
    public async Task A_request_that_cannot_be_served_says_what_to_change(string path, string body, string type, string words)
    {
        JsonElement problem = await http.RefusedAsync(path, body, HttpStatusCode.UnprocessableEntity);

        Assert.Equal(type, problem.Type());
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
        _ = await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1]]}""");
    }
}
