using System.Buffers.Binary;
using Google.FlatBuffers;

namespace FlowRows.Arrow;

/// <summary>
/// The last message of a stream that breaks off: one without a header, which no reader takes for rows or for the stream's end, with the
/// reason in its metadata.
/// </summary>
internal static class ArrowBreak
{
    public const string Key = "flow-error";

    private const int Alignment = 8, MarkBytes = 8;

    // The fields of a message and of a key with its value, by their places in Arrow's Message.fbs.
    private const int Version = 0, BodyLength = 3, CustomMetadata = 4, MessageFields = 5, KeyField = 0, ValueField = 1, PairFields = 2;

    private const short FifthVersion = 4;

    public static byte[] Message(string reason)
    {
        byte[] metadata = Metadata(reason);
        int length = (metadata.Length + Alignment - 1) / Alignment * Alignment;
        byte[] message = new byte[MarkBytes + length];
        BinaryPrimitives.WriteUInt32LittleEndian(message, uint.MaxValue);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), length);
        metadata.CopyTo(message, MarkBytes);
        return message;
    }

    private static byte[] Metadata(string reason)
    {
        var builder = new FlatBufferBuilder(256);
        StringOffset key = builder.CreateString(Key), value = builder.CreateString(reason);
        builder.StartTable(PairFields);
        builder.AddOffset(KeyField, key.Value, 0);
        builder.AddOffset(ValueField, value.Value, 0);
        int pair = builder.EndTable();
        builder.StartVector(sizeof(int), 1, sizeof(int));
        builder.AddOffset(pair);
        VectorOffset pairs = builder.EndVector();
        builder.StartTable(MessageFields);
        builder.AddLong(BodyLength, 0, 0);
        builder.AddOffset(CustomMetadata, pairs.Value, 0);
        builder.AddShort(Version, FifthVersion, 0);
        builder.Finish(builder.EndTable());
        return builder.SizedByteArray();
    }
}
