using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace FlowService.Tests.Support;

/// <summary>Requests whose bodies are rows, and their answers.</summary>
internal static class RowCalls
{
    public static async Task<HttpResponseMessage> PostAsync(this HttpClient http, string path, byte[]? body, string? type, string? accept = null, string? encoding = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
            if (encoding is not null)
                request.Content.Headers.ContentEncoding.Add(encoding);
        }
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        return await http.SendAsync(request);
    }

    /// <summary>The bytes of a call that must succeed, and that must answer in the type that was asked for, or else the body's.</summary>
    public static async Task<byte[]> RowsAsync(this HttpClient http, string path, byte[]? body, string? type, string? accept = null, string? encoding = null)
    {
        using HttpResponseMessage response = await http.PostAsync(path, body, type, accept, encoding);
        byte[] bytes = await response.Content.ReadAsByteArrayAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode}: {Encoding.UTF8.GetString(bytes)}");
        Assert.Equal(accept ?? type!.Split(';')[0], response.Content.Headers.ContentType!.MediaType);
        return bytes;
    }

    public static async Task<string> CsvAsync(this HttpClient http, string path, string csv, string? accept = null) =>
        Encoding.UTF8.GetString(await http.RowsAsync(path, Encoding.UTF8.GetBytes(csv), "text/csv", accept));

    public static async Task<Npy> NpyAsync(this HttpClient http, string path, byte[]? body, string? type = Npy.MediaType) =>
        Npy.Read(await http.RowsAsync(path, body, type, Npy.MediaType));

    /// <summary>The problem of a body of rows that must be refused.</summary>
    public static async Task<JsonElement> RefusedAsync(this HttpClient http, string path, byte[]? body, string? type, HttpStatusCode expected, string? accept = null)
    {
        using HttpResponseMessage response = await http.PostAsync(path, body, type, accept);
        return await Calls.ProblemAsync(response, expected);
    }
}
