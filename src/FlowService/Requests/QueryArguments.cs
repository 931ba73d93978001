using System.Buffers;
using System.Text.Json;
using System.Text.RegularExpressions;
using FlowRows;
using FlowRows.Buffers;

namespace FlowService.Requests;

/// <summary>
/// The arguments in the query, where those beside a body of rows must stand. The query is read as the JSON object that it stands for, so that
/// every field means the same, and fails in the same words, in both places.
/// </summary>
internal static partial class QueryArguments
{
    /// <summary>Reads the query; the fields that were in it.</summary>
    public static FieldSet Read(IQueryCollection query, RowRequest request, FieldSet allowed, RowLimits limits, RowPool pool)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            foreach ((string name, var values) in query)
                foreach (string? value in values)
                {
                    json.WritePropertyName(name);
                    Write(json, RequestFields.Named(name), value ?? "");
                }
            json.WriteEndObject();
        }
        var parser = new JsonRequestParser(request, allowed, limits, pool);
        parser.Take(new ReadOnlySequence<byte>(bytes.WrittenMemory), isLast: true);
        return parser.Seen;
    }

    private static void Write(Utf8JsonWriter json, RequestField? field, string value)
    {
        switch (field?.Kind)
        {
            case FieldKind.Names:
                json.WriteStartArray();
                foreach (string name in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                    json.WriteStringValue(name);
                json.WriteEndArray();
                break;
            case FieldKind.Values:
                json.WriteStartArray();
                foreach (string number in value.Split(',', StringSplitOptions.TrimEntries))
                    WriteNumber(json, number);
                json.WriteEndArray();
                break;
            case FieldKind.Text or FieldKind.Word:
                json.WriteStringValue(value);
                break;
            case FieldKind.Flag when bool.TryParse(value, out bool flag):
                json.WriteBooleanValue(flag);
                break;
            default:
                WriteNumber(json, value);
                break;
        }
    }

    // What is not a number is left to the parser, which says what the field must be.
    private static void WriteNumber(Utf8JsonWriter json, string text)
    {
        if (Number().IsMatch(text))
            json.WriteRawValue(text);
        else
            json.WriteStringValue(text);
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z")]
    private static partial Regex Number();
}
