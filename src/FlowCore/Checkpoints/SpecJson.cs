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
            throw new SpecException($"flow.json: {SpecJsonWords.Of(e.Message)}");
        }
    }

    public static byte[] Write(FlowSpec spec) => JsonSerializer.SerializeToUtf8Bytes(spec, Options);

    /// <summary>The description as a JSON tree, for answers that carry a part of it.</summary>
    public static JsonElement ToElement(FlowSpec spec) => JsonSerializer.SerializeToElement(spec, Options);
}
