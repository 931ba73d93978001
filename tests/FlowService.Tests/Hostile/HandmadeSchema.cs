using System.Buffers.Binary;
using Google.FlatBuffers;

namespace FlowService.Tests.Hostile;

/// <summary>Schema messages as no library writes them: few bytes that a reader would make many of.</summary>
internal static class HandmadeSchema
{
    private const int FloatingPoint = 3, Version = 4, Header = 1;

    /// <summary>A stream of a schema in which one name serves many fields.</summary>
    public static byte[] OfOneName(int fields, int nameBytes)
    {
        var builder = new FlatBufferBuilder(1 << 16);
        StringOffset name = builder.CreateString(new string('n', nameBytes));
        VectorOffset children = Children(builder);
        return [.. Message(builder, [.. Enumerable.Repeat(name, fields)], children), 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
    }

    /// <summary>The message of a schema whose fields claim so many children, of which there are none.</summary>
    public static byte[] OfChildren(int claimed, params string[] names)
    {
        var builder = new FlatBufferBuilder(1 << 10);
        StringOffset[] each = [.. names.Select(builder.CreateString)];
        VectorOffset children = Children(builder);
        byte[] message = Message(builder, each, children);
        int length = builder.SizedByteArray().Length; // places are counted from the end
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(8 + length - children.Value), claimed);
        return message;
    }

    private static VectorOffset Children(FlatBufferBuilder builder)
    {
        builder.StartVector(sizeof(int), 0, sizeof(int));
        return builder.EndVector();
    }

    private static byte[] Message(FlatBufferBuilder builder, StringOffset[] names, VectorOffset children)
    {
        builder.StartTable(1);
        builder.AddShort(0, 1, 0); // single precision
        int type = builder.EndTable();
        int[] fields = [.. names.Select(name => Field(builder, name, type, children))];
        builder.StartVector(sizeof(int), fields.Length, sizeof(int));
        foreach (int field in fields.Reverse())
            builder.AddOffset(field);
        VectorOffset all = builder.EndVector();
        builder.StartTable(4);
        builder.AddOffset(1, all.Value, 0);
        int schema = builder.EndTable();
        builder.StartTable(5);
        builder.AddShort(0, Version, 0);
        builder.AddByte(1, Header, 0);
        builder.AddOffset(2, schema, 0);
        builder.Finish(builder.EndTable());
        byte[] metadata = builder.SizedByteArray();
        byte[] message = new byte[8 + (metadata.Length + 7) / 8 * 8];
        BinaryPrimitives.WriteUInt32LittleEndian(message, uint.MaxValue);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), message.Length - 8);
        metadata.CopyTo(message, 8);
        return message;
    }

    private static int Field(FlatBufferBuilder builder, StringOffset name, int type, VectorOffset children)
    {
        builder.StartTable(7);
        builder.AddOffset(0, name.Value, 0);
        builder.AddByte(2, FloatingPoint, 0);
        builder.AddOffset(3, type, 0);
        builder.AddOffset(5, children.Value, 0);
        return builder.EndTable();
    }
}
