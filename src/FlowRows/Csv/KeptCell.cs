using Apache.Arrow;
using CsvHelper;
using FlowRows.Arrow;

namespace FlowRows.Csv;

/// <summary>A cell that passes through to CSV: text byte by byte, an Arrow value as it is usually written, null as an empty cell.</summary>
internal static class KeptCell
{
    public static void Write(CsvWriter csv, IArrowArray array, int row)
    {
        if (array.IsNull(row))
        {
            csv.WriteField(default(ReadOnlySpan<byte>));
            return;
        }
        switch (array)
        {
            case StringArray a: csv.WriteField(a.GetBytes(row)); break;
            case LargeStringArray a: csv.WriteField(a.GetString(row)); break;
            case BooleanArray a: csv.WriteField(a.GetValue(row) is true ? "true"u8 : "false"u8); break;
            case Int64Array a: csv.WriteField(a.Values[row], default); break;
            case Int32Array a: csv.WriteField(a.Values[row], default); break;
            case Int16Array a: csv.WriteField(a.Values[row], default); break;
            case Int8Array a: csv.WriteField(a.Values[row], default); break;
            case UInt64Array a: csv.WriteField(a.Values[row], default); break;
            case UInt32Array a: csv.WriteField(a.Values[row], default); break;
            case UInt16Array a: csv.WriteField(a.Values[row], default); break;
            case UInt8Array a: csv.WriteField(a.Values[row], default); break;
            case DoubleArray a: csv.WriteField(a.Values[row], default); break;
            case FloatArray a: csv.WriteField(a.Values[row], default); break;
            case Date32Array a: csv.WriteField(ArrowTimes.Date(a, row), default); break;
            case TimestampArray a: csv.WriteField(ArrowTimes.Moment(a, row), default); break;
            default:
                throw new InvalidOperationException($"a column of {array.Data.DataType.Name} was not refused");
        }
    }
}
