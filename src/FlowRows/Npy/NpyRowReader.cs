using System.Buffers;
using System.IO.Pipelines;
using System.Numerics;
using System.Runtime.InteropServices;
using FlowCore;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowRows.Npy;

/// <summary>Rows of a NumPy array, from the pipe to the buffers that are computed from. An array in Fortran order is read whole first.</summary>
internal sealed class NpyRowReader<T> : RowReader<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly PipeReader body;
    private readonly NpyHeader header;
    private readonly int[]? order;
    private RowBuffer<T>? columnMajor;

    private NpyRowReader(PipeReader body, NpyHeader header, RowSource source) : base(source)
    {
        (this.body, this.header) = (body, header);
        Columns = source.Layout.Shaped(header.Shape.AsSpan(1), source.ChannelsLast);
        order = source.ChannelsLast ? source.Layout.FromChannelsLast : null;
        UInt128 bytes = (UInt128)header.Rows * (ulong)header.RowBytes;
        if (bytes > (ulong)source.Limits.StreamBytes)
            throw new RowFault(RowFaultKind.TooLarge, $"the array has {bytes} bytes, more than {source.Limits.StreamBytes}; send it in several requests, or raise Limits:StreamBytes");
        long whole = Math.Min(source.Limits.BodyBytes, Array.MaxLength);
        if (header.ColumnMajor && bytes > (ulong)whole)
            throw new RowFault(RowFaultKind.TooLarge, $"the array is in Fortran order, which must be read whole, and has {bytes} bytes, more than {whole} "
                + "(Limits:BodyBytes); send it in C order, by numpy.ascontiguousarray");
    }

    public override RowColumns Columns { get; }

    public override long? Rows => header.Rows;

    private int Width => header.Width;

    public static async ValueTask<NpyRowReader<T>> OpenAsync(PipeReader body, RowSource source, CancellationToken cancellation)
    {
        try
        {
            byte[] start = await ReadBytesAsync(body, NpyHeader.StartBytes, cancellation);
            byte[] rest = await ReadBytesAsync(body, NpyHeader.LengthOf(start) - start.Length, cancellation);
            return new NpyRowReader<T>(body, NpyHeader.Parse([.. start, .. rest]), source);
        }
        catch (FlowException e) when (e is not RowFault)
        {
            throw Invalid($"the body {e.Message}");
        }
    }

    protected override async ValueTask FillAsync(RowBlock<T> block, int most, CancellationToken cancellation)
    {
        int wanted = (int)Math.Min(most, header.Rows - RowsRead);
        if (header.ColumnMajor && block.Rows < wanted)
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

    private void Take(RowBlock<T> block, in ReadOnlySequence<byte> raw, int rows)
    {
        if (header.IsNative<T>() && block.Context is null && order is null)
        {
            raw.CopyTo(MemoryMarshal.AsBytes(block.Values!.Reserve(rows * Width)));
            block.Values.AdvanceRows(rows, Width);
            return;
        }
        using RowBuffer<T> numbers = Numbers(raw, rows * Width);
        Split(block, numbers.Span, rows);
    }

    /// <summary>The columns of each row to where they belong.</summary>
    private void Split(RowBlock<T> block, ReadOnlySpan<T> all, int rows)
    {
        Copy(all, block.Values, order ?? Columns.Values);
        Copy(all, block.Context, Columns.Context);

        void Copy(ReadOnlySpan<T> all, RowTable<T>? table, int[] wanted)
        {
            if (table is null)
                return;
            Span<T> target = table.Reserve(rows * wanted.Length);
            for (int row = 0, next = 0; row < rows; row++)
                foreach (int column in wanted)
                    target[next++] = all[row * Width + column];
            table.AdvanceRows(rows, wanted.Length);
        }
    }

    private RowBuffer<T> Numbers(in ReadOnlySequence<byte> raw, int count)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(count * header.Size);
        try
        {
            raw.CopyTo(bytes);
            RowBuffer<T> numbers = Source.Pool.Rent<T>(count);
            header.Convert(bytes, numbers.Span);
            return numbers;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private async ValueTask<RowBuffer<T>> ReadColumnsAsync(CancellationToken cancellation)
    {
        int values = checked((int)header.Rows * Width), bytes = checked(values * header.Size);
        ReadResult read = await body.ReadAtLeastAsync(bytes, cancellation);
        if (read.Buffer.Length < bytes)
            throw Ended(read, $"the body ends before the {header.Rows} rows that its header counts");
        ReadOnlySequence<byte> raw = read.Buffer.Slice(0, bytes);
        RowBuffer<T> all = Numbers(raw, values);
        body.AdvanceTo(raw.End);
        return all;
    }

    private void CopyColumns(RowBlock<T> block, ReadOnlySpan<T> all, int rows)
    {
        using RowBuffer<T> both = Source.Pool.Rent<T>(rows * Width);
        for (int column = 0; column < Width; column++)
        {
            ReadOnlySpan<T> source = all.Slice(column * (int)header.Rows + (int)RowsRead, rows);
            for (int row = 0; row < rows; row++)
                both.Span[row * Width + column] = source[row];
        }
        Split(block, both.Span, rows);
    }

    private RowFault Ended(in ReadResult read, string problem)
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
