using Apache.Arrow;
using FlowRows.Arrow;

namespace FlowRows.Tables;

/// <summary>Which of Arrow's columns other formats are written from: text, flags, numbers, dates and times.</summary>
internal static class KeptTypes
{
    /// <summary>Refuses a part's columns before a byte of it is written.</summary>
    /// <exception cref="RowFault">One of them, or a date in it, cannot be written.</exception>
    public static void Check(KeptColumns? kept, string mediaType)
    {
        if (kept?.Lines is not null)
            return;
        for (int i = 0; i < kept?.Count; i++)
            Check(kept.Array(i), mediaType);
    }

    private static void Check(IArrowArray array, string mediaType)
    {
        switch (array)
        {
            case StringArray or LargeStringArray or BooleanArray or DoubleArray or FloatArray:
            case Int64Array or Int32Array or Int16Array or Int8Array or UInt64Array or UInt32Array or UInt16Array or UInt8Array:
                break;
            case Date32Array dates:
                for (int row = 0; row < dates.Length; row++)
                    _ = dates.IsNull(row) ? default : ArrowTimes.Date(dates, row);
                break;
            case TimestampArray times:
                for (int row = 0; row < times.Length; row++)
                    _ = times.IsNull(row) ? default : ArrowTimes.Moment(times, row);
                break;
            default:
                throw new RowFault(RowFaultKind.NotAcceptable,
                    $"keep: a column of {array.Data.DataType.Name} cannot be written as {mediaType}; ask for application/vnd.apache.arrow.stream");
        }
    }
}
