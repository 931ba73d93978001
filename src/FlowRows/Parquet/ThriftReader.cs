using System.Text;

namespace FlowRows.Parquet;

/// <summary>The kinds of values of Thrift's compact protocol, by their numbers.</summary>
internal enum ThriftType
{
    True = 1,
    False = 2,
    Byte = 3,
    I16 = 4,
    I32 = 5,
    I64 = 6,
    Double = 7,
    Binary = 8,
    List = 9,
    Set = 10,
    Map = 11,
    Struct = 12,
}

/// <summary>
/// Thrift's compact protocol, in which Parquet describes itself: every length is compared with the bytes that are there before anything is
/// made of it, and whatever is not known is passed over.
/// </summary>
internal ref struct ThriftReader(ReadOnlySpan<byte> bytes)
{
    private const int MostDepth = 32, LongestVarint = 10;

    private readonly ReadOnlySpan<byte> bytes = bytes;

    /// <summary>The bytes that were read.</summary>
    public int Position { get; private set; }

    /// <summary>Goes on to the next field of a struct; false at its end.</summary>
    /// <param name="field">The number of the field before it, 0 at first; then its own.</param>
    /// <param name="type">What it holds.</param>
    public bool Next(ref int field, out ThriftType type)
    {
        byte header = NextByte();
        type = (ThriftType)(header & 0x0F);
        if (header == 0)
            return false;
        field = header >> 4 == 0 ? (short)Zigzag() : field + (header >> 4);
        return true;
    }

    public long Integer(ThriftType type) => type is ThriftType.I16 or ThriftType.I32 or ThriftType.I64 ? Zigzag()
        : type == ThriftType.Byte ? (sbyte)NextByte() : throw Unexpected();

    public int Int32(ThriftType type) => Integer(type) is >= int.MinValue and <= int.MaxValue and var value ? (int)value : throw Unexpected();

    public static bool Flag(ThriftType type) => type is ThriftType.True or ThriftType.False ? type == ThriftType.True : throw Unexpected();

    public string Text(ThriftType type) => type == ThriftType.Binary ? Encoding.UTF8.GetString(Bytes()) : throw Unexpected();

    /// <summary>A field must hold a struct, whose fields come next.</summary>
    public static void Struct(ThriftType type)
    {
        if (type != ThriftType.Struct)
            throw Unexpected();
    }

    /// <summary>The number of a list's elements, each of which takes a byte at least.</summary>
    public int List(ThriftType type, ThriftType element)
    {
        if (type != ThriftType.List)
            throw Unexpected();
        (int count, ThriftType held) = ListHeader();
        return held == element || count == 0 ? count : throw Unexpected();
    }

    /// <summary>Passes over a value.</summary>
    public void Skip(ThriftType type) => Skip(type, MostDepth);

    private void Skip(ThriftType type, int depth)
    {
        if (depth == 0)
            throw Unexpected();
        switch (type)
        {
            case ThriftType.True or ThriftType.False:
                break; // the type is the value
            case ThriftType.Byte:
                NextByte();
                break;
            case ThriftType.I16 or ThriftType.I32 or ThriftType.I64:
                Varint();
                break;
            case ThriftType.Double:
                Taken(sizeof(double));
                break;
            case ThriftType.Binary:
                Bytes();
                break;
            case ThriftType.List or ThriftType.Set:
                (int count, ThriftType held) = ListHeader();
                for (int i = 0; i < count; i++)
                    SkipElement(held, depth);
                break;
            case ThriftType.Map:
                int pairs = Count(Varint());
                byte kinds = pairs == 0 ? (byte)0 : NextByte();
                for (int i = 0; i < pairs; i++)
                {
                    SkipElement((ThriftType)(kinds >> 4), depth);
                    SkipElement((ThriftType)(kinds & 0x0F), depth);
                }
                break;
            case ThriftType.Struct:
                int field = 0;
                while (Next(ref field, out ThriftType inner))
                    Skip(inner, depth - 1);
                break;
            default:
                throw Unexpected();
        }
    }

    // Where they are elements of something, flags take a byte.
    private void SkipElement(ThriftType type, int depth) => Skip(type is ThriftType.True or ThriftType.False ? ThriftType.Byte : type, depth - 1);

    private (int Count, ThriftType Element) ListHeader()
    {
        byte header = NextByte();
        return (Count(header >> 4 == 15 ? Varint() : (ulong)(header >> 4)), (ThriftType)(header & 0x0F));
    }

    private readonly int Count(ulong claimed) => claimed <= (ulong)(bytes.Length - Position) ? (int)claimed : throw Unexpected();

    private ReadOnlySpan<byte> Bytes() => Taken(Count(Varint()));

    private long Zigzag()
    {
        ulong value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int i = 0; i < LongestVarint; i++)
        {
            byte next = NextByte();
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
                return value;
        }
        throw Unexpected();
    }

    private byte NextByte() => Taken(1)[0];

    private ReadOnlySpan<byte> Taken(int count)
    {
        if (count > bytes.Length - Position)
            throw ParquetFault.Damaged("a description ends too early");
        Position += count;
        return bytes.Slice(Position - count, count);
    }

    private static RowFault Unexpected() => ParquetFault.Damaged("a description is not what it should be");
}
