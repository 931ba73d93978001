using System.Buffers;
using System.Text;
using System.Text.Json;
using FlowRows;
using FlowRows.Json;
using FlowService.Errors;

namespace FlowService.Requests;

/// <summary>The single values of a request's fields.</summary>
internal static class JsonArgument
{
    public static string Text(ref Utf8JsonReader reader, RequestField field) => reader.TokenType == JsonTokenType.String
        ? reader.GetString()!
        : throw Wrong(ref reader, field, field.Kind == FieldKind.Names ? "a list of strings" : "a string");

    /// <summary>The place of a word among those that there are.</summary>
    public static int Word(ref Utf8JsonReader reader, RequestField field)
    {
        string word = Text(ref reader, field);
        int place = Array.IndexOf(field.Words, word);
        return place >= 0 ? place : throw Invalid(field, $"{field.Name} must be {Choice(field.Words)}; it is '{word.Shown()}'");
    }

    public static bool Flag(ref Utf8JsonReader reader, RequestField field) =>
        reader.TokenType is JsonTokenType.True or JsonTokenType.False ? reader.GetBoolean() : throw Wrong(ref reader, field, "true or false");

    public static int Integer(ref Utf8JsonReader reader, RequestField field) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int value) ? value : throw Wrong(ref reader, field, "an integer of 32 bits");

    public static long Long(ref Utf8JsonReader reader, RequestField field, string expected) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value) ? value : throw Wrong(ref reader, field, expected);

    public static ulong Seed(ref Utf8JsonReader reader, RequestField field) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out ulong value)
            ? value
            : throw Wrong(ref reader, field, "an integer in 0..18446744073709551615");

    public static double Number(ref Utf8JsonReader reader, RequestField field) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out double value) ? value : throw Wrong(ref reader, field, "a number");

    public static RequestException Wrong(ref Utf8JsonReader reader, RequestField field, string expected)
    {
        string actual = reader.TokenType switch
        {
            JsonTokenType.Number => $"the number {Encoding.UTF8.GetString(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan).Shown()}",
            JsonTokenType.String => $"the string '{reader.GetString()!.Shown()}'",
            var other => JsonWords.Describe(other),
        };
        string what = field.Kind == FieldKind.Names && reader.CurrentDepth > 1 ? $"{field.Name} holds {actual}" : $"it is {actual}";
        return Invalid(field, $"{field.Name} must be {expected}; {what}");
    }

    private static RequestException Invalid(RequestField field, string detail) =>
        new(ProblemKind.InvalidArgument, detail) { Field = field.Name };

    private static string Choice(string[] words) => $"{string.Join(", ", words[..^1])} or {words[^1]}";
}
