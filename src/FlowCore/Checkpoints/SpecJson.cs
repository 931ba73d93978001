using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace FlowCore.Checkpoints;

/// <summary>flow.json: snake_case, readable; unknown fields, and those given twice, are refused by name.</summary>
public static class SpecJson
{
    internal static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        AllowOutOfOrderMetadataProperties = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = 64,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <exception cref="SpecException">The text is not a FlowSpec; the message names the field.</exception>
    public static FlowSpec Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return JsonSerializer.Deserialize<FlowSpec>(utf8, Options) ?? throw new SpecException("flow.json: is null");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException or ArgumentException or FormatException or OverflowException)
        {
            throw new SpecException($"flow.json: {Words(e.Message)}");
        }
    }

    // The serializer speaks to the authors of classes; who wrote the file knows fields alone.
    private static string Words(string message)
    {
        if (message.StartsWith("The JSON property '", StringComparison.Ordinal) && message.IndexOf("' could not be mapped", StringComparison.Ordinal) is > 0 and var end)
            return $"there is no field {message["The JSON property ".Length..end]}' here; remove it, or correct its name";
        return message.StartsWith("'0xEF' is an invalid start", StringComparison.Ordinal) ? "it begins with a byte order mark: write UTF-8 without one" : message;
    }

    public static byte[] Write(FlowSpec spec) => JsonSerializer.SerializeToUtf8Bytes(spec, Options);

    /// <summary>The description as a JSON tree, for answers that carry a part of it.</summary>
    public static JsonElement ToElement(FlowSpec spec) => JsonSerializer.SerializeToElement(spec, Options);
}
