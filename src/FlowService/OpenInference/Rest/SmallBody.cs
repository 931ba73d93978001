using System.Text.Json;
using FlowRows.Json;
using FlowService.Errors;
using Microsoft.Extensions.Options;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace FlowService.OpenInference.Rest;

/// <summary>A small body of JSON, which may be absent, whatever its Content-Type.</summary>
internal sealed class SmallBody(IOptions<JsonOptions> json)
{
    private const int MostBytes = 64 << 10;

    /// <summary>What the body says, or null where there is none.</summary>
    /// <exception cref="RequestException">400 where it is no such JSON, 413 where it is large.</exception>
    public async Task<T?> ReadAsync<T>(HttpRequest request)
        where T : class
    {
        byte[] bytes = new byte[MostBytes + 1];
        int length = await request.Body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, request.HttpContext.RequestAborted);
        if (length > MostBytes)
            throw new RequestException(ProblemKind.BodyTooLarge, $"the body is larger than {MostBytes} bytes");
        try
        {
            return length == 0 ? null : JsonSerializer.Deserialize<T>(bytes.AsSpan(0, length), json.Value.SerializerOptions);
        }
        catch (JsonException e)
        {
            throw new RequestException(ProblemKind.InvalidJson, JsonFault.Describe(e, e.BytePositionInLine ?? 0));
        }
    }
}
