using System.Buffers.Binary;
using Google.FlatBuffers;

namespace FlowRows.Arrow;

/// <summary>
/// Whether a message's metadata is what Arrow's schema files (Message.fbs, Schema.fbs of the columnar format, version 1.5) describe: every
/// offset and every length lies within the bytes that are there. A reader that believes them may then allocate by them.
/// </summary>
internal sealed class ArrowMetadata
{
    private const int MostDepth = 64, MostTables = 1 << 20, LeastTableBytes = 4;

    // The headers of messages, in the order of the union.
    private const byte SchemaHeader = 1, DictionaryHeader = 2, RecordsHeader = 3;

    // A field of a table is found by an offset: 4 for the first, 2 more for each that follows.
    private const short First = 4, Second = 6, Third = 8, Fourth = 10, Fifth = 12, Sixth = 14, Seventh = 16;

    private readonly byte[] bytes;
    private long textBytes;

    private ArrowMetadata(byte[] bytes) => this.bytes = bytes;

    /// <summary>The bytes of the body that follows, or null where the metadata is damaged.</summary>
    public static long? BodyLength(byte[] metadata)
    {
        if (metadata.Length < 8)
            return null;
        try
        {
            var verifier = new Verifier(new ByteBuffer(metadata), new Options(MostDepth, Math.Min(MostTables, metadata.Length / LeastTableBytes), stringEndCheck: true, alignmentCheck: true));
            if (!verifier.VerifyBuffer(null, false, new ArrowMetadata(metadata).Message))
                return null;
            var message = new Part(metadata, BinaryPrimitives.ReadInt32LittleEndian(metadata));
            long length = message.Long(Fourth);
            return length >= 0 && BuffersFit(message, length) ? length : null;
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            return null;
        }
    }

    // The rows and the buffers that a batch of records speaks of lie in its body.
    private static bool BuffersFit(Part message, long length)
    {
        if (message.Byte(Second) is not (RecordsHeader or DictionaryHeader))
            return true;
        if (message.Table(Third) is not { } records || (message.Byte(Second) == DictionaryHeader && (records = records.Table(Second) ?? default) == default))
            return false;
        if (records.Long(First) < 0 || records.Long(First) > int.MaxValue)
            return false;
        foreach ((long rows, long nulls) in records.Pairs(Second))
            if (rows < 0 || rows > int.MaxValue || nulls < 0 || nulls > rows)
                return false;
        foreach ((long offset, long size) in records.Pairs(Third))
            if (offset < 0 || size < 0 || offset > length - size)
                return false;
        return true;
    }

    private bool Message(Verifier v, uint at) => v.VerifyTableStart(at)
        && v.VerifyField(at, First, 2, 2, false)
        && v.VerifyField(at, Second, 1, 1, true)
        && v.VerifyTable(at, Third, (inner, place) => Header(inner, Kind(at, Second), place), true)
        && v.VerifyField(at, Fourth, 8, 8, false)
        && v.VerifyVectorOfTables(at, Fifth, KeyValue, false)
        && v.VerifyTableEnd(at);

    private bool Header(Verifier v, byte type, uint at) => type switch
    {
        SchemaHeader => Schema(v, at),
        DictionaryHeader => Dictionary(v, at),
        RecordsHeader => Records(v, at),
        _ => false, // tensors are not rows
    };

    private bool Schema(Verifier v, uint at) => v.VerifyTableStart(at)
        && v.VerifyField(at, First, 2, 2, false)
        && v.VerifyVectorOfTables(at, Second, Field, false)
        && v.VerifyVectorOfTables(at, Third, KeyValue, false)
        && v.VerifyVectorOfData(at, Fourth, 8, false)
        && v.VerifyTableEnd(at);

    private bool Field(Verifier v, uint at) => v.VerifyTableStart(at)
        && Text(v, at, First)
        && v.VerifyField(at, Second, 1, 1, false)
        && v.VerifyField(at, Third, 1, 1, true)
        && v.VerifyTable(at, Fourth, (inner, place) => Type(inner, Kind(at, Third), place), true)
        && v.VerifyTable(at, Fifth, Encoding, false)
        && v.VerifyVectorOfTables(at, Sixth, Field, false)
        && v.VerifyVectorOfTables(at, Seventh, KeyValue, false)
        && v.VerifyTableEnd(at);

    // The kinds of types have at most three fields: an integer each, but for a time zone and the numbers of a union.
    private bool Type(Verifier v, byte type, uint at) => v.VerifyTableStart(at) && type switch
    {
        2 => v.VerifyField(at, First, 4, 4, false) && v.VerifyField(at, Second, 1, 1, false),
        3 or 8 or 11 or 18 => v.VerifyField(at, First, 2, 2, false),
        7 => v.VerifyField(at, First, 4, 4, false) && v.VerifyField(at, Second, 4, 4, false) && v.VerifyField(at, Third, 4, 4, false),
        9 => v.VerifyField(at, First, 2, 2, false) && v.VerifyField(at, Second, 4, 4, false),
        10 => v.VerifyField(at, First, 2, 2, false) && Text(v, at, Second),
        14 => v.VerifyField(at, First, 2, 2, false) && v.VerifyVectorOfData(at, Second, 4, false),
        15 or 16 => v.VerifyField(at, First, 4, 4, false),
        17 => v.VerifyField(at, First, 1, 1, false),
        >= 1 and <= 26 => true,
        _ => false,
    } && v.VerifyTableEnd(at);

    private bool Encoding(Verifier v, uint at) => v.VerifyTableStart(at)
        && v.VerifyField(at, First, 8, 8, false)
        && v.VerifyTable(at, Second, (inner, place) => Type(inner, 2, place), false)
        && v.VerifyField(at, Third, 1, 1, false)
        && v.VerifyField(at, Fourth, 2, 2, false)
        && v.VerifyTableEnd(at);

    // Offsets may lead many fields to one text or table, each of which a reader makes a copy of: all of them together must find room in the bytes.
    private bool Text(Verifier v, uint at, short field) =>
        v.VerifyString(at, field, false) && (textBytes += new Part(bytes, (int)at).TextBytes(field)) <= bytes.Length;

    // Which member of a union its table is. The library's own check of unions asks for it in the wrong place.
    private byte Kind(uint table, short field) => new Part(bytes, (int)table).Byte(field);

    private bool KeyValue(Verifier v, uint at) => v.VerifyTableStart(at)
        && Text(v, at, First)
        && Text(v, at, Second)
        && v.VerifyTableEnd(at);

    private static bool Dictionary(Verifier v, uint at) => v.VerifyTableStart(at)
        && v.VerifyField(at, First, 8, 8, false)
        && v.VerifyTable(at, Second, Records, true)
        && v.VerifyField(at, Third, 1, 1, false)
        && v.VerifyTableEnd(at);

    private static bool Records(Verifier v, uint at) => v.VerifyTableStart(at)
        && v.VerifyField(at, First, 8, 8, false)
        && v.VerifyVectorOfData(at, Second, 16, false)
        && v.VerifyVectorOfData(at, Third, 16, false)
        && v.VerifyTable(at, Fourth, Compression, false)
        && v.VerifyVectorOfData(at, Fifth, 8, false)
        && v.VerifyTableEnd(at);

    private static bool Compression(Verifier v, uint at) => v.VerifyTableStart(at)
        && v.VerifyField(at, First, 1, 1, false)
        && v.VerifyField(at, Second, 1, 1, false)
        && v.VerifyTableEnd(at);

    /// <summary>A table of verified bytes.</summary>
    private readonly record struct Part(byte[] Bytes, int At)
    {
        public byte Byte(short field) => Place(field) is { } place ? Bytes[place] : (byte)0;

        public long Long(short field) => Place(field) is { } place ? BinaryPrimitives.ReadInt64LittleEndian(Bytes.AsSpan(place)) : 0;

        public Part? Table(short field) => Place(field) is { } place ? new Part(Bytes, place + Int(place)) : null;

        public int TextBytes(short field) => Place(field) is { } place ? Int(place + Int(place)) : 0;

        /// <summary>A vector of structs of two long integers.</summary>
        public IEnumerable<(long, long)> Pairs(short field)
        {
            if (Place(field) is not { } place)
                yield break;
            int start = place + Int(place), count = Int(start);
            for (int i = 0; i < count; i++)
                yield return (BinaryPrimitives.ReadInt64LittleEndian(Bytes.AsSpan(start + 4 + 16 * i)),
                    BinaryPrimitives.ReadInt64LittleEndian(Bytes.AsSpan(start + 12 + 16 * i)));
        }

        private int Int(int place) => BinaryPrimitives.ReadInt32LittleEndian(Bytes.AsSpan(place));

        private int? Place(short field)
        {
            int table = At - Int(At);
            if (field >= BinaryPrimitives.ReadUInt16LittleEndian(Bytes.AsSpan(table)))
                return null;
            int offset = BinaryPrimitives.ReadUInt16LittleEndian(Bytes.AsSpan(table + field));
            return offset == 0 ? null : At + offset;
        }
    }
}
