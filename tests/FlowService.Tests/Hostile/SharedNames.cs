using System.Buffers.Binary;
using Google.FlatBuffers;

namespace FlowService.Tests.Hostile;

/// <summary>A schema message in which one name serves many fields: few bytes that a reader makes many of.</summary>
internal static class SharedNames
{
    private const int FloatingPoint = 3;

    public static byte[] Stream(int fields, int nameBytes)
    {
        var builder = new FlatBufferBuilder(1 << 16);
        StringOffset name = builder.CreateString(new string('n', nameBytes));
        builder.StartTable(1);
        builder.AddShort(0, 1, 0);
        int type = builder.EndTable();
        int[] tables = new int[fields];
        for (int i = 0; i < fields; i++)
        {
            builder.StartTable(7);
            builder.AddOffset(0, name.Value, 0);
            builder.AddByte(2, FloatingPoint, 0);
            builder.AddOffset(3, type, 0);
            tables[i] = builder.EndTable();
        }
        builder.StartVector(sizeof(int), fields, sizeof(int));
        foreach (int table in tables)
            builder.AddOffset(table);
        VectorOffset all = builder.EndVector();
        builder.StartTable(4);
        builder.AddOffset(1, all.Value, 0);
        int schema = builder.EndTable();
        builder.StartTable(5);
        builder.AddShort(0, 4, 0);
        builder.AddByte(1, 1, 0);
        builder.AddOffset(2, schema, 0);
        builder.Finish(builder.EndTable());
        byte[] metadata = builder.SizedByteArray();
        byte[] stream = new byte[8 + (metadata.Length + 7) / 8 * 8];
        BinaryPrimitives.WriteUInt32LittleEndian(stream, uint.MaxValue);
        BinaryPrimitives.WriteInt32LittleEndian(stream.AsSpan(4), stream.Length - 8);
        metadata.CopyTo(stream, 8);
        return [.. stream, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
    }
}
