namespace FlowRows.Parquet;

/// <summary>What stands before a page of values (PageHeader of the format's parquet.thrift).</summary>
/// <param name="Kind">0 for values, 2 for a dictionary of them, 3 for values whose levels are not compressed.</param>
/// <param name="Packed">The bytes of the page.</param>
/// <param name="Unpacked">Its bytes when it is decompressed.</param>
internal readonly record struct PageHeader(int Kind, int Packed, int Unpacked)
{
    public const int Data = 0, Dictionary = 2, DataV2 = 3;

    /// <summary>The number of its values, those that are missing included.</summary>
    public int Values { get; private init; }

    public PageEncoding Encoding { get; private init; }

    /// <summary>How the levels are encoded, which say what is missing.</summary>
    public PageEncoding LevelEncoding { get; private init; }

    /// <summary>The bytes of the levels, where they are not compressed.</summary>
    public int LevelBytes { get; private init; }

    /// <summary>The bytes that say how values repeat.</summary>
    public int RepetitionBytes { get; private init; }

    public bool IsPacked { get; private init; }

    public static PageHeader Read(ref ThriftReader thrift)
    {
        int kind = -1, packed = -1, unpacked = -1;
        PageHeader values = new() { Values = -1 };
        for (int field = 0; thrift.Next(ref field, out ThriftType type);)
            switch (field)
            {
                case 1: kind = thrift.Int32(type); break;
                case 2: unpacked = thrift.Int32(type); break;
                case 3: packed = thrift.Int32(type); break;
                case 5 when kind == Data: values = ReadData(ref thrift, type); break;
                case 7 when kind == Dictionary: values = ReadDictionary(ref thrift, type); break;
                case 8 when kind == DataV2: values = ReadDataV2(ref thrift, type); break;
                default: thrift.Skip(type); break;
            }
        bool isRead = kind is Data or Dictionary or DataV2;
        if (packed < 0 || unpacked < 0 || (isRead && (values.Values < 0 || values.LevelBytes < 0 || values.RepetitionBytes < 0)))
            throw ParquetFault.Damaged("a page is not described");
        return values with { Kind = kind, Packed = packed, Unpacked = unpacked };
    }

    private static PageHeader ReadData(ref ThriftReader thrift, ThriftType struck)
    {
        ThriftReader.Struct(struck);
        int values = -1, encoding = -1, levels = -1;
        for (int field = 0; thrift.Next(ref field, out ThriftType type);)
            switch (field)
            {
                case 1: values = thrift.Int32(type); break;
                case 2: encoding = thrift.Int32(type); break;
                case 3: levels = thrift.Int32(type); break;
                default: thrift.Skip(type); break;
            }
        return new() { Values = values, Encoding = (PageEncoding)encoding, LevelEncoding = (PageEncoding)levels };
    }

    private static PageHeader ReadDictionary(ref ThriftReader thrift, ThriftType struck)
    {
        ThriftReader.Struct(struck);
        int values = -1, encoding = -1;
        for (int field = 0; thrift.Next(ref field, out ThriftType type);)
            switch (field)
            {
                case 1: values = thrift.Int32(type); break;
                case 2: encoding = thrift.Int32(type); break;
                default: thrift.Skip(type); break;
            }
        return new() { Values = values, Encoding = (PageEncoding)encoding };
    }

    private static PageHeader ReadDataV2(ref ThriftReader thrift, ThriftType struck)
    {
        ThriftReader.Struct(struck);
        int values = -1, encoding = -1, levels = -1, repetition = -1;
        bool isPacked = true;
        for (int field = 0; thrift.Next(ref field, out ThriftType type);)
            switch (field)
            {
                case 1: values = thrift.Int32(type); break;
                case 4: encoding = thrift.Int32(type); break;
                case 5: levels = thrift.Int32(type); break;
                case 6: repetition = thrift.Int32(type); break;
                case 7: isPacked = ThriftReader.Flag(type); break;
                default: thrift.Skip(type); break;
            }
        return new() { Values = values, Encoding = (PageEncoding)encoding, LevelBytes = levels, RepetitionBytes = repetition, IsPacked = isPacked };
    }
}

/// <summary>How values are written, by the format's numbers.</summary>
internal enum PageEncoding
{
    Plain = 0,
    PlainDictionary = 2,
    Runs = 3,
    Delta = 5,
    DeltaLengths = 6,
    DeltaTexts = 7,
    Dictionary = 8,
    SplitBytes = 9,
}
