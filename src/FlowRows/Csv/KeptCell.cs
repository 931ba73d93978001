using Apache.Arrow;
using FlowRows.Arrow;

namespace FlowRows.Csv;

/// <summary>A cell that passes through to CSV: text byte by byte, an Arrow value as it is usually written, null as an empty cell.</summary>
internal static class KeptCell
{
    public static void Write(CsvText csv, IArrowArray array, int row)
    {
        if (array.IsNull(row))
        {
            csv.Cell(default(ReadOnlySpan<byte>));
            return;
        }
        switch (array)
        {
            case StringArray a: csv.Cell(a.GetBytes(row)); break;
            case LargeStringArray a: csv.Cell(a.GetString(row)); break;
            case BooleanArray a: csv.Cell(a.GetValue(row) is true ? "true"u8 : "false"u8); break;
            case Int64Array a: csv.Value(a.Values[row]); break;
            case Int32Array a: csv.Value(a.Values[row]); break;
            case Int16Array a: csv.Value(a.Values[row]); break;
            case Int8Array a: csv.Value(a.Values[row]); break;
            case UInt64Array a: csv.Value(a.Values[row]); break;
            case UInt32Array a: csv.Value(a.Values[row]); break;
            case UInt16Array a: csv.Value(a.Values[row]); break;
            case UInt8Array a: csv.Value(a.Values[row]); break;
            case DoubleArray a: csv.Value(a.Values[row]); break;
            case FloatArray a: csv.Value(a.Values[row]); break;
            case Date32Array a: csv.Value(ArrowTimes.Date(a, row), "O"); break;
            case TimestampArray a: csv.Value(ArrowTimes.Moment(a, row), "O"); break;
            default:
                throw new InvalidOperationException($"a column of {array.Data.DataType.Name} was not refused");
        }
    }
}
