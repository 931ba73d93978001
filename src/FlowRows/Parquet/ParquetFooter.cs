using System.Buffers.Binary;

namespace FlowRows.Parquet;

/// <summary>What a file says of itself at its end (FileMetaData of the format's parquet.thrift): its columns, and where their pieces lie.</summary>
/// <param name="Fields">The columns, those that hold columns themselves among them.</param>
/// <param name="Groups">The groups of rows.</param>
/// <param name="At">The place of this description in the file.</param>
internal sealed record ParquetFooter(ParquetField[] Fields, ParquetGroup[] Groups, long At)
{
    private const int TailBytes = 8, LongestFooter = 64 << 20, MostColumns = 1 << 20;

    private static ReadOnlySpan<byte> Mark => "PAR1"u8;

    public static async ValueTask<ParquetFooter> ReadAsync(Stream file, CancellationToken cancellation)
    {
        byte[] tail = new byte[TailBytes];
        if (file.Length < Mark.Length + TailBytes)
            throw ParquetFault.Damaged("it is too short");
        file.Position = file.Length - TailBytes;
        await file.ReadExactlyAsync(tail, cancellation);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        if (!tail.AsSpan().EndsWith(Mark))
            throw ParquetFault.Damaged("its end is missing: it was cut short");
        if (length > Math.Min(LongestFooter, file.Length - Mark.Length - TailBytes))
            throw ParquetFault.Damaged($"it claims a description of {length} bytes");
        byte[] bytes = new byte[length];
        long at = file.Length - TailBytes - length;
        file.Position = at;
        await file.ReadExactlyAsync(bytes, cancellation);
        return Parse(bytes, at);
    }

    private static ParquetFooter Parse(byte[] bytes, long at)
    {
        var thrift = new ThriftReader(bytes);
        List<SchemaNode> schema = [];
        List<ParquetGroup> groups = [];
        int chunks = 0;
        for (int field = 0; thrift.Next(ref field, out ThriftType type);)
            switch (field)
            {
                case 2:
                    for (int left = thrift.List(type, ThriftType.Struct); left > 0; left--)
                        schema.Add(schema.Count < MostColumns ? SchemaNode.Read(ref thrift) : throw ParquetFault.Damaged("it has too many columns"));
                    break;
                case 4:
                    for (int left = thrift.List(type, ThriftType.Struct); left > 0; left--)
                        groups.Add(ParquetGroup.Read(ref thrift, ref chunks));
                    break;
                default:
                    thrift.Skip(type);
                    break;
            }
        ParquetField[] fields = [.. ParquetField.Of(schema)];
        int leaves = fields.Length == 0 ? 0 : fields[^1].Leaf + fields[^1].Leaves;
        return groups.TrueForAll(group => group.Chunks.Length == leaves)
            ? new(fields, [.. groups], at) : throw ParquetFault.Damaged("a group of rows does not have the columns of the others");
    }
}

/// <summary>A group of rows: each column's piece of them.</summary>
internal sealed record ParquetGroup(long Rows, ParquetChunk[] Chunks)
{
    private const int MostChunks = 1 << 20;

    public static ParquetGroup Read(ref ThriftReader thrift, ref int all)
    {
        ParquetChunk[] chunks = [];
        long rows = -1;
        CheckCount(++all);
        for (int field = 0; thrift.Next(ref field, out ThriftType type);)
            switch (field)
            {
                case 1:
                    int count = thrift.List(type, ThriftType.Struct);
                    CheckCount(all += count);
                    chunks = new ParquetChunk[count];
                    for (int i = 0; i < count; i++)
                        chunks[i] = ParquetChunk.Read(ref thrift);
                    break;
                case 3:
                    rows = thrift.Integer(type);
                    break;
                default:
                    thrift.Skip(type);
                    break;
            }
        return rows is >= 0 and <= int.MaxValue ? new(rows, chunks) : throw ParquetFault.Damaged($"a group of {rows} rows");
    }

    // Groups and their pieces together: each takes more memory than bytes of the file.
    private static void CheckCount(int all)
    {
        if (all > MostChunks)
            throw ParquetFault.Damaged("it has too many pieces");
    }
}

/// <summary>A column's piece of a group: how it is compressed, how many values it has, and the bytes of the file that it takes.</summary>
internal readonly record struct ParquetChunk(int Codec, long Values, long Start, long Bytes)
{
    public static ParquetChunk Read(ref ThriftReader thrift)
    {
        ParquetChunk chunk = default;
        for (int field = 0; thrift.Next(ref field, out ThriftType type);)
            if (field == 3)
                chunk = ReadDescription(ref thrift, type);
            else
                thrift.Skip(type);
        return chunk;
    }

    private static ParquetChunk ReadDescription(ref ThriftReader thrift, ThriftType struck)
    {
        ThriftReader.Struct(struck);
        long codec = 0, values = -1, bytes = -1, data = 0, dictionary = 0;
        for (int field = 0; thrift.Next(ref field, out ThriftType type);)
            switch (field)
            {
                case 4: codec = thrift.Integer(type); break;
                case 5: values = thrift.Integer(type); break;
                case 7: bytes = thrift.Integer(type); break;
                case 9: data = thrift.Integer(type); break;
                case 11: dictionary = thrift.Integer(type); break;
                default: thrift.Skip(type); break;
            }
        // Some writers say 0 where they mean none.
        return new((int)Math.Clamp(codec, -1, int.MaxValue), values, dictionary > 0 ? Math.Min(dictionary, data) : data, bytes);
    }
}
