using Apache.Arrow;
using Apache.Arrow.Types;

namespace FlowRows.Arrow;

/// <summary>Whether an array's buffers hold what its length says. The library believes it, and reads beyond them where they do not.</summary>
internal static class ArrowChecks
{
    /// <exception cref="RowFault">A buffer is too short, or an offset in it leads elsewhere.</exception>
    public static void Check(ArrayData data, string column)
    {
        long entries = (long)data.Offset + data.Length;
        if (data.Length < 0 || data.Offset < 0 || data.Buffers.Length == 0)
            throw Damaged(column);
        if (data.Buffers[0].Length > 0 && data.Buffers[0].Length * 8L < entries)
            throw Damaged(column);
        if (data.Buffers[0].Length == 0 && data.NullCount > 0)
            throw Damaged(column);
        switch (data.DataType)
        {
            case StringType or BinaryType:
                CheckOffsets(Cast<int>(data, entries + 1, column), data.Buffers[2].Length, column);
                break;
            case LargeStringType or LargeBinaryType:
                CheckOffsets(Cast<long>(data, entries + 1, column), data.Buffers[2].Length, column);
                break;
            case ListType:
                ReadOnlySpan<int> offsets = Cast<int>(data, entries + 1, column);
                CheckOffsets(offsets, Child(data, column).Length, column);
                Check(Child(data, column), column);
                break;
            case FixedSizeListType list:
                if (list.ListSize < 0 || Child(data, column).Length < entries * list.ListSize)
                    throw Damaged(column);
                Check(Child(data, column), column);
                break;
            case FixedWidthType type:
                if (data.Buffers.Length < 2 || data.Buffers[1].Length * 8L < entries * type.BitWidth)
                    throw Damaged(column);
                break;
            default:
                throw new RowFault(RowFaultKind.InvalidBody, $"column '{column.Shown()}' holds {data.DataType.Name}, which is not read") { Field = column.Shown() };
        }
    }

    private static ArrayData Child(ArrayData data, string column) =>
        data.Children is [var child] ? child : throw Damaged(column);

    private static ReadOnlySpan<T> Cast<T>(ArrayData data, long count, string column)
        where T : struct
    {
        if (data.Length == 0)
            return [];
        ReadOnlySpan<T> values = data.Buffers.Length > 1 ? data.Buffers[1].Span.CastTo<T>() : [];
        return values.Length >= count ? values[..(int)count] : throw Damaged(column);
    }

    private static void CheckOffsets<T>(ReadOnlySpan<T> offsets, long most, string column)
        where T : struct, IComparable<T>
    {
        if (offsets.IsEmpty)
            return;
        for (int i = 1; i < offsets.Length; i++)
            if (offsets[i].CompareTo(offsets[i - 1]) < 0)
                throw Damaged(column);
        if (Convert.ToInt64(offsets[0]) < 0 || Convert.ToInt64(offsets[^1]) > most)
            throw Damaged(column);
    }

    /// <summary>The refusal of a column that has not as many rows as it, or its batch, says.</summary>
    public static RowFault Damaged(string column) =>
        new(RowFaultKind.InvalidBody, $"the body is no Arrow stream: column '{column.Shown()}' does not hold the rows that it claims") { Field = column.Shown() };
}
