using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using FlowRows.Tables;

namespace FlowRows.Json;

/// <summary>
/// The tokens of <c>[[1, 2], [3, 4]]</c> to a table of rows. Context may also come flat: <c>[0, 2, 1]</c>, or one bare number.
/// </summary>
internal sealed class JsonRowsParser<T>(RowTable<T> table)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private int depth;
    private JsonObjectRow<T>? named;
    private bool inObject;

    private bool MayBeFlat => table.MayBeFlat && table.Rows == 0;

    public RowTable<T> Table => table;

    /// <summary>Inside a row, where every token but a number or the row's end is a fault.</summary>
    public bool InRow => depth == 2 || (depth == 1 && table.IsFlat);

    /// <summary>Takes one token; false when it was the last one of the rows.</summary>
    public bool Take(ref Utf8JsonReader reader)
    {
        if (inObject && reader.TokenType == JsonTokenType.EndObject)
        {
            named!.End();
            inObject = false;
            return true;
        }
        if (inObject)
        {
            named!.Take(ref reader);
            return true;
        }
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject when depth == 1 && !table.MayBeFlat && (table.Rows == 0 || named is not null):
                named ??= new(table);
                named.Begin();
                inObject = true;
                return true;
            case JsonTokenType.StartArray when depth == 1 && named is not null:
                throw Misplaced(reader.TokenType);
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
            case JsonTokenType.Null when InRow:
                table.Lack(() => table.Invalid("is null"));
                return true;
            case JsonTokenType.String or JsonTokenType.True or JsonTokenType.False when InRow:
                table.Refuse($"is {JsonWords.Describe(reader.TokenType)}");
                return true;
            case JsonTokenType.Null or JsonTokenType.String or JsonTokenType.True or JsonTokenType.False when depth == 1 && MayBeFlat && table.Errors is not null:
                table.IsFlat = true;
                table.Refuse($"is {JsonWords.Describe(reader.TokenType)}");
                return true;
            default:
                throw Misplaced(reader.TokenType);
        }
    }

    private bool TakeNumber(ref Utf8JsonReader reader)
    {
        table.IsFlat = depth < 2;
        if (TryParse(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan, out T value))
            table.Append(value);
        else
            table.Refuse($"is too large for a {Unsafe.SizeOf<T>() * 8}-bit float");
        if (depth > 0)
            return true;
        table.EndRow();
        return false;
    }

    private RowFault Misplaced(JsonTokenType token)
    {
        if (InRow)
            return table.Invalid($"is {JsonWords.Describe(token)}");
        string name = table.Name;
        return depth == 0
            ? new(RowFaultKind.InvalidArgument, $"{name} must be rows of numbers, [[...], ...]; it is {JsonWords.Describe(token)}") { Field = name }
            : new(RowFaultKind.InvalidArgument, $"{name}: row {table.Rows} is {JsonWords.Describe(token)}; each row is a list of numbers, [[...], ...], or each is an object with a number under the name of each column") { Field = name, Row = table.Rows };
    }

    private static bool TryParse(ReadOnlySpan<byte> number, out T value)
    {
        if (typeof(T) != typeof(float))
            return T.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && T.IsFinite(value);
        bool read = FloatText.TryParse(number, out float single);
        value = Unsafe.BitCast<float, T>(single);
        return read;
    }
}
