using System.Text.Json;
using FlowService.Batching;
using FlowService.Errors;

namespace FlowService.Wire.Json;

/// <summary>The single-valued fields of a JSON request.</summary>
internal static class JsonArgument
{
    public static void Take(ref Utf8JsonReader reader, RequestField field, RowRequest request)
    {
        switch (field)
        {
            case RequestField.Model:
                request.Model = Text(ref reader, field);
                break;
            case RequestField.Version:
                request.Version = Integer(ref reader, field);
                break;
            case RequestField.Count:
                request.Count = Long(ref reader, field, "an integer");
                break;
            case RequestField.Steps:
                request.Steps = Integer(ref reader, field);
                break;
            case RequestField.TimeoutMs:
                request.TimeoutMs = Integer(ref reader, field);
                break;
            case RequestField.Offset:
                request.Offset = Long(ref reader, field, "an integer in 0..9223372036854775807");
                break;
            case RequestField.Priority:
                request.Priority = Text(ref reader, field) switch
                {
                    "interactive" => Priority.Interactive,
                    "bulk" => Priority.Bulk,
                    var other => throw new RequestException(ProblemKind.InvalidArgument, $"priority must be interactive or bulk; it is '{other.Shown()}'") { Field = field.Name() },
                };
                break;
            case RequestField.Dtype:
                request.Dtype = Text(ref reader, field) switch
                {
                    "float32" => ElementType.Float32,
                    "float64" => ElementType.Float64,
                    var other => throw new RequestException(ProblemKind.InvalidArgument, $"dtype must be float32 or float64; it is '{other.Shown()}'") { Field = field.Name() },
                };
                break;
            case RequestField.Seed:
                request.Seed = reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out ulong seed)
                    ? seed
                    : throw Wrong(ref reader, field, "an integer in 0..18446744073709551615");
                break;
            case RequestField.Temperature:
                request.Temperature = reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out double temperature)
                    ? temperature
                    : throw Wrong(ref reader, field, "a number");
                break;
            default:
                throw Wrong(ref reader, field, "a list of strings");
        }
    }

    public static string Text(ref Utf8JsonReader reader, RequestField field) =>
        reader.TokenType == JsonTokenType.String
            ? reader.GetString()!
            : throw Wrong(ref reader, field, field is RequestField.Include or RequestField.Keep ? "a list of strings" : "a string");

    private static int Integer(ref Utf8JsonReader reader, RequestField field) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int value)
            ? value
            : throw Wrong(ref reader, field, "an integer");

    private static long Long(ref Utf8JsonReader reader, RequestField field, string expected) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value)
            ? value
            : throw Wrong(ref reader, field, expected);

    private static RequestException Wrong(ref Utf8JsonReader reader, RequestField field, string expected)
    {
        string actual = reader.TokenType == JsonTokenType.Number ? "another number" : JsonRowsParser.Describe(reader.TokenType);
        return new(ProblemKind.InvalidArgument, $"{field.Name()} must be {expected}; it is {actual}") { Field = field.Name() };
    }
}
