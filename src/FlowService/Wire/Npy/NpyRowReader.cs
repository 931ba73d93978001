using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using FlowCore;
using FlowService.Errors;
using FlowTables;

namespace FlowService.Wire.Npy;

/// <summary>Rows of a NumPy array, from the pipe to the buffers that are computed from. An array in Fortran order is read whole first.</summary>
internal sealed class NpyRowReader : RowReader
{
    private readonly PipeReader body;
    private readonly NpyHeader header;
    private RowBuffer? columnMajor;

    private NpyRowReader(PipeReader body, NpyHeader header, RowSource source) : base(source)
    {
        (this.body, this.header) = (body, header);
        source.Layout.Unnamed(header.Width);
        UInt128 bytes = (UInt128)header.Rows * (ulong)header.RowBytes;
        if (bytes > (ulong)source.Limits.StreamBytes)
            throw new RequestException(ProblemKind.BodyTooLarge, $"the array has {bytes} bytes, more than {source.Limits.StreamBytes}; send it in several requests, or raise Limits:StreamBytes");
        if (header.ColumnMajor && bytes > (ulong)source.Limits.BodyBytes)
            throw new RequestException(ProblemKind.BodyTooLarge, $"the array is in Fortran order, which must be read whole, and has {bytes} bytes, more than {source.Limits.BodyBytes} "
                + "(Limits:BodyBytes); send it in C order, by numpy.ascontiguousarray");
    }

    public override long? Rows => header.Rows;

    private int Width => header.Width;

    public static async ValueTask<NpyRowReader> OpenAsync(PipeReader body, RowSource source, CancellationToken cancellation)
    {
        try
        {
            byte[] start = await ReadBytesAsync(body, NpyHeader.StartBytes, cancellation);
            byte[] rest = await ReadBytesAsync(body, NpyHeader.LengthOf(start) - start.Length, cancellation);
            return new NpyRowReader(body, NpyHeader.Parse([.. start, .. rest]), source);
        }
        catch (FlowException e)
        {
            throw Invalid($"the body {e.Message}");
        }
    }

    protected override async ValueTask FillAsync(RowBlock block, int most, CancellationToken cancellation)
    {
        int wanted = (int)Math.Min(most, header.Rows - RowsRead);
        if (header.ColumnMajor)
            CopyColumns(block, (columnMajor ??= await ReadColumnsAsync(cancellation)).Span, wanted);
        while (block.Rows < wanted)
        {
            ReadResult read;
            if (block.Rows == 0 || Waits)
                read = await body.ReadAtLeastAsync(header.RowBytes, cancellation);
            else if (!body.TryRead(out read))
                return; // what has arrived is computed while the next rows are on their way
            int rows = (int)Math.Min(wanted - block.Rows, read.Buffer.Length / header.RowBytes);
            if (rows == 0 && read.IsCompleted)
                throw Ended(read, $"the body ends after row {RowsRead + block.Rows} of the {header.Rows} that its header counts");
            ReadOnlySequence<byte> taken = read.Buffer.Slice(0, (long)rows * header.RowBytes);
            try
            {
                Take(block, taken, rows);
            }
            finally
            {
                body.AdvanceTo(taken.End, rows == 0 ? read.Buffer.End : taken.End);
            }
            if (rows == 0 && block.Rows > 0 && !Waits)
                return;
        }
        if (RowsRead + block.Rows == header.Rows)
            await CheckEndAsync(cancellation);
    }

    public override ValueTask DisposeAsync()
    {
        columnMajor?.Dispose();
        return base.DisposeAsync();
    }

    private void Take(RowBlock block, in ReadOnlySequence<byte> raw, int rows)
    {
        if (header.IsSingle && block.Context is null)
        {
            raw.CopyTo(MemoryMarshal.AsBytes(block.Values!.Reserve(rows * Width)));
            block.Values.AdvanceRows(rows, Width);
            return;
        }
        using RowBuffer singles = Singles(raw, rows * Width);
        Split(block, singles.Span, rows);
    }

    /// <summary>The values of each row, and the context behind them.</summary>
    private void Split(RowBlock block, ReadOnlySpan<float> both, int rows)
    {
        int values = Source.Layout.Values.Length;
        Copy(both, block.Values, 0, values);
        Copy(both, block.Context, values, Width - values);

        void Copy(ReadOnlySpan<float> both, RowTable? table, int column, int width)
        {
            if (table is null)
                return;
            Span<float> target = table.Reserve(rows * width);
            for (int row = 0; row < rows; row++)
                both.Slice(row * Width + column, width).CopyTo(target[(row * width)..]);
            table.AdvanceRows(rows, width);
        }
    }

    private RowBuffer Singles(in ReadOnlySequence<byte> raw, int count)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(count * header.Size);
        try
        {
            raw.CopyTo(bytes);
            RowBuffer singles = Source.Pool.Rent(count);
            header.ToSingles(bytes, singles.Span);
            return singles;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private async ValueTask<RowBuffer> ReadColumnsAsync(CancellationToken cancellation)
    {
        int values = checked((int)header.Rows * Width), bytes = checked(values * header.Size);
        ReadResult read = await body.ReadAtLeastAsync(bytes, cancellation);
        if (read.Buffer.Length < bytes)
            throw Ended(read, $"the body ends before the {header.Rows} rows that its header counts");
        ReadOnlySequence<byte> raw = read.Buffer.Slice(0, bytes);
        RowBuffer all = Singles(raw, values);
        body.AdvanceTo(raw.End);
        return all;
    }

    private void CopyColumns(RowBlock block, ReadOnlySpan<float> all, int rows)
    {
        using RowBuffer both = Source.Pool.Rent(rows * Width);
        for (int column = 0; column < Width; column++)
        {
            ReadOnlySpan<float> source = all.Slice(column * (int)header.Rows + (int)RowsRead, rows);
            for (int row = 0; row < rows; row++)
                both.Span[row * Width + column] = source[row];
        }
        Split(block, both.Span, rows);
    }

    private RequestException Ended(in ReadResult read, string problem)
    {
        body.AdvanceTo(read.Buffer.End); // what has been read must be let go, or the server breaks the connection off
        return Invalid(problem);
    }

    private static async ValueTask<byte[]> ReadBytesAsync(PipeReader body, int count, CancellationToken cancellation)
    {
        if (count == 0)
            return [];
        ReadResult read = await body.ReadAtLeastAsync(count, cancellation);
        byte[] bytes = read.Buffer.Slice(0, Math.Min(count, read.Buffer.Length)).ToArray();
        body.AdvanceTo(read.Buffer.GetPosition(bytes.Length));
        return bytes.Length == count || count == NpyHeader.StartBytes ? bytes : throw new FlowException("ends within its header");
    }

    private async ValueTask CheckEndAsync(CancellationToken cancellation)
    {
        ReadResult read = await body.ReadAsync(cancellation);
        body.AdvanceTo(read.Buffer.Start);
        if (!read.Buffer.IsEmpty)
            throw Invalid($"the body goes on after the {header.Rows} rows that its header counts");
    }
}
