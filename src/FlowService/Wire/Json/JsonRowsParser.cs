using System.Buffers;
using System.Text.Json;
using FlowService.Errors;

namespace FlowService.Wire.Json;

/// <summary>
/// The tokens of <c>[[1, 2], [3, 4]]</c> to a table of rows. Context may also come flat: <c>[0, 2, 1]</c>, or one bare number.
/// </summary>
internal sealed class JsonRowsParser(RowTable table)
{
    private int depth;

    private bool MayBeFlat => table.Field is RequestField.Context or RequestField.Range && table.Rows == 0;

    public RowTable Table => table;

    /// <summary>Inside a row, where every token but a number or the row's end is a fault.</summary>
    public bool InRow => depth == 2 || (depth == 1 && table.IsFlat);

    /// <summary>Takes one token; false when it was the last one of the rows.</summary>
    public bool Take(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Number when depth == 2 || (depth < 2 && MayBeFlat):
                return TakeNumber(ref reader);
            case JsonTokenType.StartArray when depth < 2 && !table.IsFlat:
                depth++;
                return true;
            case JsonTokenType.EndArray when depth == 2:
                table.EndRow();
                depth = 1;
                return true;
            case JsonTokenType.EndArray:
                if (table.IsFlat)
                    table.EndRow();
                return false;
            default:
                throw Misplaced(reader.TokenType);
        }
    }

    private bool TakeNumber(ref Utf8JsonReader reader)
    {
        table.IsFlat = depth < 2;
        if (!FloatText.TryParse(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan, out float value))
            throw table.Invalid("is too large for a 32-bit float");
        table.Append(value);
        if (depth > 0)
            return true;
        table.EndRow();
        return false;
    }

    private RequestException Misplaced(JsonTokenType token)
    {
        if (InRow)
            return table.Invalid($"is {Describe(token)}");
        string name = table.Field.Name();
        return depth == 0
            ? new(ProblemKind.InvalidArgument, $"{name} must be rows of numbers, [[...], ...]; it is {Describe(token)}") { Field = name }
            : new(ProblemKind.InvalidArgument, $"{name}: row {table.Rows} is {Describe(token)}; each row is a list of numbers, [[...], ...]") { Field = name, Row = table.Rows };
    }

    public static string Describe(JsonTokenType token) => token switch
    {
        JsonTokenType.Null => "null",
        JsonTokenType.String => "a string",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.StartObject => "an object",
        JsonTokenType.Number => "a number",
        _ => token.ToString(),
    };
}
