using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace FlowService.Tests.OpenInference;

/// <summary>Requests of the protocol byte for byte as its clients send them, and their answers.</summary>
internal static class V2Calls
{
    public const string HeaderLength = "Inference-Header-Content-Length";

    /// <summary>A POST like tritonclient's: no Content-Type, and with raw tensors the length of the JSON part in a header.</summary>
    public static Task<HttpResponseMessage> PostRawAsync(this HttpClient http, string path, string json, params byte[][] tensors) =>
        http.PostBytesAsync(path, [.. Encoding.UTF8.GetBytes(json), .. tensors.SelectMany(bytes => bytes)], tensors.Length > 0 ? $"{Encoding.UTF8.GetByteCount(json)}" : null);

    /// <summary>Any bytes under any header length.</summary>
    public static async Task<HttpResponseMessage> PostBytesAsync(this HttpClient http, string path, byte[] body, string? headerLength)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        if (headerLength is not null)
            request.Headers.TryAddWithoutValidation(HeaderLength, headerLength);
        return await http.SendAsync(request);
    }

    /// <summary>The JSON answer of a call that must succeed, with exactly the Content-Type that clients compare.</summary>
    public static async Task<JsonElement> OkAsync(this Task<HttpResponseMessage> call)
    {
        using HttpResponseMessage response = await call;
        return await JsonAsync(response, HttpStatusCode.OK);
    }

    /// <summary>The message of a call that must be refused.</summary>
    public static async Task<string> ErrorAsync(this Task<HttpResponseMessage> call, HttpStatusCode status = HttpStatusCode.BadRequest)
    {
        using HttpResponseMessage response = await call;
        JsonElement error = await JsonAsync(response, status);
        Assert.Equal(["error"], error.EnumerateObject().Select(property => property.Name));
        string message = error.GetProperty("error").GetString()!;
        Assert.InRange(message.Length, 10, 600);
        return message;
    }

    /// <summary>The answer as tritonclient reads it: the JSON part, and each output's floats from it or from behind it.</summary>
    public static async Task<(JsonElement Header, Dictionary<string, float[]> Outputs)> TensorsAsync(this Task<HttpResponseMessage> call)
    {
        using HttpResponseMessage response = await call;
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, Encoding.UTF8.GetString(body));
        int length = body.Length;
        if (response.Headers.TryGetValues(HeaderLength, out IEnumerable<string>? header))
        {
            length = int.Parse(header.Single(), System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal("application/octet-stream", Assert.Single(response.Content.Headers.GetValues("Content-Type")));
            Assert.Equal(body.Length, response.Content.Headers.ContentLength);
        }
        JsonElement json = JsonDocument.Parse(body.AsMemory(0, length)).RootElement.Clone();
        var outputs = new Dictionary<string, float[]>();
        int next = length;
        foreach (JsonElement output in json.GetProperty("outputs").EnumerateArray())
            outputs.Add(output.GetProperty("name").GetString()!, Values(output, body, ref next));
        Assert.Equal(body.Length, next);
        return (json, outputs);
    }

    public static byte[] Bytes<T>(params T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static float[] Values(JsonElement output, byte[] body, ref int next)
    {
        long count = output.GetProperty("shape").EnumerateArray().Aggregate(1L, (product, size) => product * size.GetInt64());
        float[] values;
        if (output.TryGetProperty("data", out JsonElement data))
        {
            values = [.. data.EnumerateArray().Select(value => value.ValueKind == JsonValueKind.Null ? float.NaN : value.GetSingle())];
        }
        else
        {
            int size = output.GetProperty("parameters").GetProperty("binary_data_size").GetInt32();
            values = MemoryMarshal.Cast<byte, float>(body.AsSpan(next, size)).ToArray();
            next += size;
        }
        Assert.Equal("FP32", output.GetProperty("datatype").GetString());
        Assert.Equal(count, values.Length);
        return values;
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage response, HttpStatusCode status)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"expected {(int)status}, got {(int)response.StatusCode}: {text}");
        Assert.Equal("application/json", Assert.Single(response.Content.Headers.GetValues("Content-Type")));
        return JsonDocument.Parse(text).RootElement.Clone();
    }
}
