using System.Net;
using System.Text;
using System.Text.Json;

namespace FlowService.Tests.Support;

/// <summary>Requests as a client writes them, and their answers.</summary>
internal static class Calls
{
    public static Task<HttpResponseMessage> SendAsync(this HttpClient http, string path, string json, CancellationToken cancellation = default) =>
        http.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"), cancellation);

    /// <summary>The answer of a call that must succeed.</summary>
    public static async Task<JsonElement> AskAsync(this HttpClient http, string path, string json)
    {
        using HttpResponseMessage response = await http.SendAsync(path, json);
        return await ReadAsync(response, HttpStatusCode.OK);
    }

    /// <summary>The problem of a call that must be refused with this status.</summary>
    public static async Task<JsonElement> RefusedAsync(this HttpClient http, string path, string json, HttpStatusCode expected)
    {
        using HttpResponseMessage response = await http.SendAsync(path, json);
        return await ProblemAsync(response, expected);
    }

    public static async Task<JsonElement> ProblemAsync(HttpResponseMessage response, HttpStatusCode expected)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        JsonElement problem = await ReadAsync(response, expected);
        Assert.StartsWith("urn:flowservice:", problem.GetProperty("type").GetString(), StringComparison.Ordinal);
        Assert.Equal((int)expected, problem.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
        return problem;
    }

    public static string Type(this JsonElement problem) => problem.GetProperty("type").GetString()!["urn:flowservice:".Length..];

    public static string Detail(this JsonElement problem) => problem.GetProperty("detail").GetString()!;

    public static float[] Floats(this JsonElement answer, string name) =>
        [.. answer.GetProperty(name).EnumerateArray().Select(value => value.ValueKind == JsonValueKind.Null ? float.NaN : value.GetSingle())];

    public static float[][] Rows(this JsonElement answer, string name) =>
        [.. answer.GetProperty(name).EnumerateArray().Select(row => row.EnumerateArray().Select(value => value.GetSingle()).ToArray())];

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response, HttpStatusCode expected)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == expected, $"expected {(int)expected}, got {(int)response.StatusCode}: {text}");
        return JsonDocument.Parse(text).RootElement.Clone();
    }
}
