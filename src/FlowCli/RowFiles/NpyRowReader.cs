using System.Buffers.Binary;
using FlowCore;

namespace FlowCli.RowFiles;

/// <summary>
/// A NumPy array file of numbers, <c>[rows, ...]</c>: each row's values flat. Read piece by piece, a column-major matrix too; the
/// file's size is compared with its header before anything is allocated.
/// </summary>
internal sealed class NpyRowReader : RowReader
{
    private readonly FileStream file;
    private readonly NpyHeader header;
    private readonly long rows;
    private byte[] bytes = [];
    private long next;

    public NpyRowReader(string path) : base(path)
    {
        file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        try
        {
            header = NpyHeader.Read(file, path);
            (rows, Width) = Sizes();
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public override int Width { get; }

    public override string[]? Names => null;

    public override string Place => $"row {Position}";

    public override long Position => next;

    public override int Read(Span<double> values)
    {
        int count = (int)Math.Min(values.Length / Width, rows - next);
        if (header.ColumnMajor)
            for (int column = 0; column < Width; column++)
                Read(column * rows + next, count, values[column..], Width);
        else
            Read(next * Width, count * Width, values, 1);
        for (int i = 0; i < count * Width; i++)
            if (!float.IsFinite((float)values[i]))
                throw new FlowException($"{Path}: row {next + i / Width + 1}, {NameOf(i % Width)}: {values[i]} is not a finite number of float32's range");
        next += count;
        return count;
    }

    public override void Dispose() => file.Dispose();

    // count neighbouring elements of the file, to every stride-th value.
    private void Read(long element, int count, Span<double> values, int stride)
    {
        int size = header.Size;
        if (bytes.Length < count * size)
            bytes = new byte[count * size];
        Span<byte> raw = bytes.AsSpan(0, count * size);
        file.Position = header.Offset + element * size;
        file.ReadExactly(raw);
        if (header.BigEndian)
            for (int i = 0; i < count; i++)
                raw.Slice(i * size, size).Reverse();
        for (int i = 0; i < count; i++)
            values[i * stride] = Element(raw.Slice(i * size, size));
    }

    private double Element(ReadOnlySpan<byte> raw) => (header.Kind, header.Size) switch
    {
        ('f', 4) => BinaryPrimitives.ReadSingleLittleEndian(raw),
        ('f', _) => BinaryPrimitives.ReadDoubleLittleEndian(raw),
        ('i', 1) => (sbyte)raw[0],
        ('i', 2) => BinaryPrimitives.ReadInt16LittleEndian(raw),
        ('i', 4) => BinaryPrimitives.ReadInt32LittleEndian(raw),
        ('i', _) => BinaryPrimitives.ReadInt64LittleEndian(raw),
        (_, 1) => raw[0],
        (_, 2) => BinaryPrimitives.ReadUInt16LittleEndian(raw),
        (_, 4) => BinaryPrimitives.ReadUInt32LittleEndian(raw),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(raw),
    };

    private (long Rows, int Width) Sizes()
    {
        string shape = $"({string.Join(", ", header.Shape)})";
        if (header.Shape.Length == 0)
            throw new FlowException($"{Path}: has the shape {shape}; rows need at least one dimension");
        if (header.ColumnMajor && header.Shape.Length > 2)
            throw new FlowException($"{Path}: has the shape {shape} in Fortran order; save it in C order");
        UInt128 width = 1;
        foreach (long size in header.Shape[1..])
            width = width > int.MaxValue ? width : width * (ulong)size;
        if (width == 0 || width > int.MaxValue / 8)
            throw new FlowException($"{Path}: has the shape {shape}: rows of {width} values are not read");
        UInt128 needed = width * (ulong)header.Shape[0] * (ulong)header.Size;
        if (needed != (ulong)(file.Length - header.Offset))
            throw new FlowException($"{Path}: holds {file.Length - header.Offset} bytes of data, its header's shape {shape} needs {needed}: the file is truncated or damaged");
        return (header.Shape[0], (int)width);
    }
}
