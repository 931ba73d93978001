using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using FlowTables;

namespace FlowService.Wire.Npy;

/// <summary>An answer as a NumPy array: its main column, or where others are included a structured array of them, row by row.</summary>
internal sealed class NpyAnswerWriter(PipeWriter body, AnswerOptions options) : AnswerWriter(body)
{
    private readonly int size = options.Type == ElementType.Float32 ? sizeof(float) : sizeof(double);
    private bool begun;

    public override long? Length(Answer first) => Header(first).Length + options.Rows!.Value * RowBytes(first);

    public override async ValueTask WriteAsync(Answer part, CancellationToken cancellation)
    {
        if (!begun)
            Body.Write(Header(part));
        begun = true;
        int rowBytes = RowBytes(part), most = Math.Max(1, FlushBytes / rowBytes);
        for (int row = 0; row < part.Rows; row += most)
        {
            int rows = Math.Min(most, part.Rows - row);
            WriteRows(part, row, rows, Body.GetSpan(rows * rowBytes));
            Body.Advance(rows * rowBytes);
            await Body.FlushAsync(cancellation);
        }
    }

    private void WriteRows(Answer part, int first, int rows, Span<byte> target)
    {
        int rowBytes = RowBytes(part), offset = 0;
        for (int i = 0; i < part.Columns.Count; i++)
        {
            Column column = part.Columns[i];
            if (!IsWritten(column, i))
                continue;
            ReadOnlySpan<float> values = column.Values.Span.Slice(first * column.Width, rows * column.Width);
            if (column.Width * size == rowBytes)
                Convert(values, target);
            else
                for (int row = 0; row < rows; row++)
                    Convert(values.Slice(row * column.Width, column.Width), target[(row * rowBytes + offset)..]);
            offset += column.Width * size;
        }
    }

    private void Convert(ReadOnlySpan<float> values, Span<byte> target)
    {
        if (options.Type == ElementType.Float32)
        {
            MemoryMarshal.AsBytes(values).CopyTo(target);
            return;
        }
        Span<double> wide = MemoryMarshal.Cast<byte, double>(target[..(values.Length * sizeof(double))]);
        for (int i = 0; i < values.Length; i++)
            wide[i] = values[i];
    }

    private bool IsWritten(Column column, int index) => index == 0 || options.Include.Contains(column.Name);

    private int RowBytes(Answer answer)
    {
        int values = 0;
        for (int i = 0; i < answer.Columns.Count; i++)
            if (IsWritten(answer.Columns[i], i))
                values += answer.Columns[i].Width;
        return values * size;
    }

    private byte[] Header(Answer answer)
    {
        string type = options.Type == ElementType.Float32 ? "'<f4'" : "'<f8'";
        Column[] written = [.. answer.Columns.Where(IsWritten)];
        if (written is [{ IsNested: false }])
            return NpyHeader.Write(type, options.Rows!.Value);
        if (written is [var only])
            return NpyHeader.Write(type, [options.Rows!.Value, .. only.Shape.Select(size => (long)size)]);
        IEnumerable<string> fields = written.Select(column =>
            column.IsNested ? $"('{column.Name}', {type}, ({string.Join(", ", column.Shape)},))" : $"('{column.Name}', {type})");
        return NpyHeader.Write($"[{string.Join(", ", fields)}]", options.Rows!.Value);
    }
}
