using System.Buffers;
using System.IO.Pipelines;
using System.Numerics;
using System.Runtime.InteropServices;
using FlowRows.Answers;

namespace FlowRows.Npy;

/// <summary>An answer as a NumPy array: its main column, or where others are included a structured array of them, row by row.</summary>
internal sealed class NpyAnswerWriter<T>(PipeWriter body, AnswerOptions options) : AnswerWriter<T>(body)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int size = options.Type == ElementType.Float32 ? sizeof(float) : sizeof(double);
    private Func<long, byte[]>? header;
    private long written;

    public override long? Length(Answer<T> first) => Header(first)(options.Rows!.Value).Length + options.Rows!.Value * RowBytes(first);

    public override byte[]? Beginning => header?.Invoke(written);

    public override async ValueTask WriteAsync(Answer<T> part, CancellationToken cancellation)
    {
        if (header is null)
            Body.Write((header = Header(part))(options.Rows!.Value));
        written += part.Rows;
        int rowBytes = RowBytes(part), most = Math.Max(1, FlushBytes / rowBytes);
        for (int row = 0; row < part.Rows; row += most)
        {
            int rows = Math.Min(most, part.Rows - row);
            WriteRows(part, row, rows, Body.GetSpan(rows * rowBytes));
            Body.Advance(rows * rowBytes);
            await Body.FlushAsync(cancellation);
        }
    }

    private void WriteRows(Answer<T> part, int first, int rows, Span<byte> target)
    {
        int rowBytes = RowBytes(part), offset = 0;
        for (int i = 0; i < part.Columns.Count; i++)
        {
            AnswerColumn<T> column = part.Columns[i];
            if (!IsWritten(column, i))
                continue;
            ReadOnlySpan<T> values = column.Values.Span.Slice(first * column.Width, rows * column.Width);
            if (column.Width * size == rowBytes)
                Convert(values, target);
            else
                for (int row = 0; row < rows; row++)
                    Convert(values.Slice(row * column.Width, column.Width), target[(row * rowBytes + offset)..]);
            offset += column.Width * size;
        }
    }

    private void Convert(ReadOnlySpan<T> values, Span<byte> target)
    {
        if (options.Type == ElementType.Float32)
            Convert(values, MemoryMarshal.Cast<byte, float>(target));
        else
            Convert(values, MemoryMarshal.Cast<byte, double>(target));
    }

    private static void Convert<TTo>(ReadOnlySpan<T> values, Span<TTo> target)
        where TTo : unmanaged, INumberBase<TTo>
    {
        if (typeof(T) == typeof(TTo))
            MemoryMarshal.Cast<T, TTo>(values).CopyTo(target);
        else
            for (int i = 0; i < values.Length; i++)
                target[i] = TTo.CreateTruncating(values[i]);
    }

    private bool IsWritten(AnswerColumn<T> column, int index) => index == 0 || options.Include.Contains(column.Name);

    private int RowBytes(Answer<T> answer)
    {
        int values = 0;
        for (int i = 0; i < answer.Columns.Count; i++)
            if (IsWritten(answer.Columns[i], i))
                values += answer.Columns[i].Width;
        return values * size;
    }

    /// <summary>The header for any number of rows: all of them are of the same length.</summary>
    private Func<long, byte[]> Header(Answer<T> answer)
    {
        string type = options.Type == ElementType.Float32 ? "'<f4'" : "'<f8'";
        AnswerColumn<T>[] written = [.. answer.Columns.Where(IsWritten)];
        if (written is [{ IsNested: false }])
            return rows => NpyHeader.Write(type, rows);
        if (written is [var only])
            return rows => NpyHeader.Write(type, [rows, .. only.Shape.Select(size => (long)size)]);
        string fields = string.Join(", ", written.Select(column =>
            column.IsNested ? $"('{column.Name}', {type}, ({string.Join(", ", column.Shape)},))" : $"('{column.Name}', {type})"));
        return rows => NpyHeader.Write($"[{fields}]", rows);
    }
}
