using System.Buffers.Binary;
using FlowTables;

namespace FlowCli.RowFiles;

/// <summary>A NumPy array file, version 1.0; the number of rows is put into its header at the end.</summary>
internal sealed class NpyRowWriter : RowWriter
{
    private readonly UnfinishedFile file;
    private readonly int width;
    private readonly RowType type;
    private long values;

    public NpyRowWriter(UnfinishedFile file, int width, RowType type)
    {
        (this.file, this.width, this.type) = (file, width, type);
        file.Stream.Write(Header(0));
    }

    public override void Write(ReadOnlySpan<double> rows)
    {
        Span<byte> element = stackalloc byte[8];
        foreach (double value in rows)
        {
            if (type == RowType.Float32)
                BinaryPrimitives.WriteSingleLittleEndian(element, (float)value);
            else
                BinaryPrimitives.WriteDoubleLittleEndian(element, value);
            file.Stream.Write(element[..(type == RowType.Float32 ? 4 : 8)]);
        }
        values += rows.Length;
    }

    public override void Complete()
    {
        file.Stream.Position = 0;
        file.Stream.Write(Header(values / width));
        file.Complete();
    }

    public override void Dispose() => file.Dispose();

    private byte[] Header(long rows)
    {
        string descr = type == RowType.Float32 ? "'<f4'" : "'<f8'";
        return width == 1 ? NpyHeader.Write(descr, rows) : NpyHeader.Write(descr, rows, width);
    }
}
