using System.Buffers.Binary;

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
        file.Stream.Write(NpyHeader.Write(type, 0, width));
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
        file.Stream.Write(NpyHeader.Write(type, values / width, width));
        file.Complete();
    }

    public override void Dispose() => file.Dispose();
}
