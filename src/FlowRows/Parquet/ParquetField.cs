namespace FlowRows.Parquet;

/// <summary>How values are stored, by the format's numbers.</summary>
internal enum Stored
{
    Boolean,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    Bytes,
    FixedBytes,
}

/// <summary>What stored values mean.</summary>
internal enum Meaning
{
    Plain,
    Text,
    Integer,
    Decimal,
    Date,
    Timestamp,
    Half,
    Other,
}

/// <summary>An entry of a file's schema (SchemaElement).</summary>
internal sealed record SchemaNode(string Name, Stored? Stored, int Length, bool IsOptional, bool IsRepeated, int Children)
{
    public Meaning Meaning { get; private set; }

    /// <summary>The bits of an integer.</summary>
    public int Bits { get; private set; }

    public bool IsSigned { get; private set; } = true;

    /// <summary>The decimal places of a decimal number.</summary>
    public int Scale { get; private set; }

    /// <summary>A timestamp's ticks in a second: 10 to the power of 3, 6 or 9.</summary>
    public int Digits { get; private set; }

    public bool IsUtc { get; private set; } = true;

    public static SchemaNode Read(ref ThriftReader thrift)
    {
        string? name = null;
        int stored = -1, length = 0, repetition = 0, children = 0, converted = -1, scale = 0;
        var node = new SchemaNode("", null, 0, false, false, 0);
        for (int field = 0; thrift.Next(ref field, out ThriftType type);)
            switch (field)
            {
                case 1: stored = thrift.Int32(type); break;
                case 2: length = thrift.Int32(type); break;
                case 3: repetition = thrift.Int32(type); break;
                case 4: name = thrift.Text(type); break;
                case 5: children = thrift.Int32(type); break;
                case 6: converted = thrift.Int32(type); break;
                case 7: scale = thrift.Int32(type); break;
                case 10: node.ReadMeaning(ref thrift, type); break;
                default: thrift.Skip(type); break;
            }
        if (name is null || children < 0 || stored is < -1 or > (int)Parquet.Stored.FixedBytes || repetition is < 0 or > 2)
            throw ParquetFault.Damaged("a column is not described");
        if (node.Meaning == Meaning.Plain)
            node.Convert(converted, scale);
        return node with
        {
            Name = name,
            Stored = stored < 0 ? null : (Stored)stored,
            Length = length,
            IsOptional = repetition == 1,
            IsRepeated = repetition == 2,
            Children = children,
        };
    }

    // LogicalType: a union of structs.
    private void ReadMeaning(ref ThriftReader thrift, ThriftType union)
    {
        ThriftReader.Struct(union);
        for (int kind = 0; thrift.Next(ref kind, out ThriftType type);)
        {
            ThriftReader.Struct(type);
            Meaning = kind switch
            {
                1 or 4 => Meaning.Text,
                5 => Meaning.Decimal,
                6 => Meaning.Date,
                8 => Meaning.Timestamp,
                10 => Meaning.Integer,
                15 => Meaning.Half,
                _ => Meaning.Other,
            };
            for (int field = 0; thrift.Next(ref field, out type);)
                switch (kind, field)
                {
                    case (5, 1): Scale = thrift.Int32(type); break;
                    case (8, 1): IsUtc = ThriftReader.Flag(type); break;
                    case (8, 2): Digits = ReadUnit(ref thrift, type); break;
                    case (10, 1): Bits = thrift.Int32(type); break;
                    case (10, 2): IsSigned = ThriftReader.Flag(type); break;
                    default: thrift.Skip(type); break;
                }
        }
    }

    private static int ReadUnit(ref ThriftReader thrift, ThriftType union)
    {
        ThriftReader.Struct(union);
        int digits = 0;
        for (int unit = 0; thrift.Next(ref unit, out ThriftType type);)
        {
            digits = 3 * unit;
            thrift.Skip(type);
        }
        return digits;
    }

    // The older way to say what values mean (ConvertedType).
    private void Convert(int converted, int scale)
    {
        (Meaning, Bits, IsSigned, Digits, Scale) = converted switch
        {
            -1 => (Meaning.Plain, 0, true, 0, 0),
            0 or 4 => (Meaning.Text, 0, true, 0, 0),
            5 => (Meaning.Decimal, 0, true, 0, scale),
            6 => (Meaning.Date, 0, true, 0, 0),
            9 or 10 => (Meaning.Timestamp, 0, true, converted == 9 ? 3 : 6, 0),
            >= 11 and <= 14 => (Meaning.Integer, 8 << (converted - 11), false, 0, 0),
            >= 15 and <= 18 => (Meaning.Integer, 8 << (converted - 15), true, 0, 0),
            _ => (Meaning.Other, 0, true, 0, 0),
        };
    }
}

/// <summary>A column of a file.</summary>
/// <param name="Node">Its description.</param>
/// <param name="Leaf">Which of the pieces of a group is its first.</param>
/// <param name="Leaves">How many pieces it has: one, but where it holds columns itself.</param>
internal sealed record ParquetField(SchemaNode Node, int Leaf, int Leaves)
{
    public string Name => Node.Name;

    /// <summary>Whether there is one value, or none, for each row.</summary>
    public bool IsFlat => Node.Children == 0 && !Node.IsRepeated;

    /// <summary>The columns of a schema, which is a tree written from its root on, each entry before what it holds.</summary>
    public static IEnumerable<ParquetField> Of(List<SchemaNode> schema)
    {
        if (schema.Count == 0)
            throw ParquetFault.Damaged("it describes no columns");
        int leaf = 0, next = 1;
        for (int column = 0; column < schema[0].Children; column++)
        {
            int first = next, leaves = 0;
            for (long open = 1; open > 0; open--, next++)
            {
                if (next == schema.Count)
                    throw ParquetFault.Damaged("it does not describe the columns that it counts");
                open += schema[next].Children;
                if (schema[next].Children == 0)
                    leaves++;
            }
            yield return new(schema[first], leaf, leaves);
            leaf += leaves;
        }
        if (next < schema.Count)
            throw ParquetFault.Damaged("it describes more columns than it counts");
    }
}
