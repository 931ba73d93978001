using System.Globalization;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using FlowRows.Arrow;
using FlowRows.Tables;

namespace FlowRows.Ndjson;

/// <summary>A cell that passes through to JSON: one that came as JSON byte by byte, text and dates as strings, numbers as numbers.</summary>
internal static class JsonCell
{
    public static void Write(Utf8JsonWriter json, KeptColumns kept, int column, int row)
    {
        IArrowArray array = kept.AsRead(column);
        if (array.IsNull(row))
            json.WriteNullValue();
        else if (kept.IsJson)
            json.WriteRawValue(((StringArray)array).GetBytes(row), skipInputValidation: true); // it was validated as it was read
        else
            Write(json, array, row);
    }

    private static void Write(Utf8JsonWriter json, IArrowArray array, int row)
    {
        switch (array)
        {
            case StringArray a: json.WriteStringValue(a.GetBytes(row)); break;
            case LargeStringArray a: json.WriteStringValue(a.GetString(row)); break;
            case BooleanArray a: json.WriteBooleanValue(a.GetValue(row) is true); break;
            case Int64Array a: json.WriteNumberValue(a.Values[row]); break;
            case Int32Array a: json.WriteNumberValue(a.Values[row]); break;
            case Int16Array a: json.WriteNumberValue(a.Values[row]); break;
            case Int8Array a: json.WriteNumberValue(a.Values[row]); break;
            case UInt64Array a: json.WriteNumberValue(a.Values[row]); break;
            case UInt32Array a: json.WriteNumberValue(a.Values[row]); break;
            case UInt16Array a: json.WriteNumberValue(a.Values[row]); break;
            case UInt8Array a: json.WriteNumberValue(a.Values[row]); break;
            case DoubleArray a when double.IsFinite(a.Values[row]): json.WriteNumberValue(a.Values[row]); break;
            case FloatArray a when float.IsFinite(a.Values[row]): json.WriteNumberValue(a.Values[row]); break;
            case DoubleArray or FloatArray: json.WriteNullValue(); break;
            case Date32Array a: json.WriteStringValue(ArrowTimes.Date(a, row).ToString("O", CultureInfo.InvariantCulture)); break;
            case TimestampArray a: json.WriteStringValue(ArrowTimes.Moment(a, row)); break;
            default:
                throw new InvalidOperationException($"a column of {array.Data.DataType.Name} was not refused");
        }
    }

    /// <summary>Cells that came as JSON, as text: strings without their quotes and escapes, everything else as it is written.</summary>
    public static StringArray Text(StringArray cells)
    {
        var text = new StringArray.Builder();
        for (int row = 0; row < cells.Length; row++)
            if (cells.IsNull(row) || cells.GetBytes(row).SequenceEqual("null"u8))
                text.AppendNull();
            else if (cells.GetBytes(row) is [(byte)'"', ..] quoted)
                text.Append(Unquoted(quoted));
            else
                text.Append(cells.GetBytes(row));
        return text.Build();
    }

    /// <summary>The category that a cell holds; null where it holds none.</summary>
    public static string? Category(JsonTokenType kind, ReadOnlySpan<byte> value) => kind switch
    {
        JsonTokenType.String => CategoryCodes.TextOf(Encoding.UTF8.GetBytes(Unquoted(value))),
        JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False => CategoryCodes.TextOf(value),
        _ => null,
    };

    private static string Unquoted(ReadOnlySpan<byte> quoted)
    {
        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        return reader.GetString()!;
    }
}
