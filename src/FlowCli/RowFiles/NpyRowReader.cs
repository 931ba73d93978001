using FlowCore;
using FlowTables;

namespace FlowCli.RowFiles;

/// <summary>
/// A NumPy array file of numbers, <c>[rows, ...]</c>: each row's values flat. Read piece by piece, a column-major matrix too; the
/// file's size is compared with its header before anything is allocated.
/// </summary>
internal sealed class NpyRowReader : RowReader
{
    private readonly FileStream file;
    private readonly NpyHeader header;
    private readonly int offset;
    private byte[] bytes = [];
    private long next;

    public NpyRowReader(string path) : base(path)
    {
        file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        try
        {
            (header, offset) = ReadHeader();
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public override int Width => header.Width;

    public override string[]? Names => null;

    public override string Place => $"row {Position}";

    public override long Position => next;

    public override int Read(Span<double> values)
    {
        int count = (int)Math.Min(values.Length / Width, header.Rows - next);
        if (header.ColumnMajor)
            for (int column = 0; column < Width; column++)
                Read(column * header.Rows + next, count, values[column..], Width);
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
        file.Position = offset + element * size;
        file.ReadExactly(raw);
        for (int i = 0; i < count; i++)
            values[i * stride] = header.Element(raw.Slice(i * size, size));
    }

    private (NpyHeader Header, int Offset) ReadHeader()
    {
        try
        {
            Span<byte> start = stackalloc byte[NpyHeader.StartBytes];
            int length = NpyHeader.LengthOf(start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)]);
            if (length > file.Length)
                throw new FlowException("is truncated or damaged: it ends within its header");
            var bytes = new byte[length];
            start.CopyTo(bytes);
            file.ReadExactly(bytes.AsSpan(start.Length));
            NpyHeader parsed = NpyHeader.Parse(bytes);
            if ((UInt128)parsed.Rows * (ulong)parsed.RowBytes is var needed && needed != (ulong)(file.Length - length))
                throw new FlowException(
                    $"holds {file.Length - length} bytes of data, its header's shape ({string.Join(", ", parsed.Shape)}) needs {needed}: the file is truncated or damaged");
            return (parsed, length);
        }
        catch (FlowException e)
        {
            throw new FlowException($"{Path}: {e.Message}");
        }
    }
}
