using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using ArrowField = Apache.Arrow.Field;

namespace FlowRows.Parquet;

/// <summary>A column of a Parquet file, and how it is read as an Arrow one.</summary>
internal sealed class ParquetColumn
{
    private const long NanosecondsOfDay = 86_400_000_000_000, MicrosecondsOfDay = NanosecondsOfDay / 1000, JulianEpoch = 2_440_588;

    private const int MostPlaces = 10_000;

    // Powers of ten that a double holds exactly.
    private const int ExactPlaces = 22;
    private const long ExactWhole = 1L << 53;

    private readonly Func<ChunkValues, int, IArrowArray>? read;

    public ParquetColumn(ParquetField field)
    {
        Field = field;
        SchemaNode node = field.Node;
        (IArrowType type, read) = (field.IsFlat ? node.Stored : null, node.Meaning, node.Bits, node.IsSigned) switch
        {
            (Stored.Boolean, Meaning.Plain, _, _) => (BooleanType.Default, Flags),
            (Stored.Int32, Meaning.Integer, 8, true) => Numbers<int, sbyte>(Int8Type.Default, sbyte.CreateChecked),
            (Stored.Int32, Meaning.Integer, 16, true) => Numbers<int, short>(Int16Type.Default, short.CreateChecked),
            (Stored.Int32, Meaning.Integer, 8, false) => Numbers<int, byte>(UInt8Type.Default, byte.CreateChecked),
            (Stored.Int32, Meaning.Integer, 16, false) => Numbers<int, ushort>(UInt16Type.Default, ushort.CreateChecked),
            (Stored.Int32, Meaning.Integer, 32, false) => AsStored<uint>(UInt32Type.Default),
            (Stored.Int64, Meaning.Integer, 64, false) => AsStored<ulong>(UInt64Type.Default),
            (Stored.Int32, Meaning.Date, _, _) => AsStored<int>(Date32Type.Default),
            (Stored.Int32, Meaning.Decimal, _, _) => Numbers<int, double>(DoubleType.Default, value => Decimal(value, node.Scale)),
            (Stored.Int64, Meaning.Decimal, _, _) => Numbers<long, double>(DoubleType.Default, value => Decimal(value, node.Scale)),
            (Stored.Bytes or Stored.FixedBytes, Meaning.Decimal, _, _) => (DoubleType.Default, Decimals),
            (Stored.Int64, Meaning.Timestamp, _, _) when node.Digits is 3 or 6 or 9 => AsStored<long>(Ticks(node)),
            (Stored.Int96, _, _, _) => (new TimestampType(TimeUnit.Microsecond, "UTC"), Moments),
            (Stored.Int32, not Meaning.Timestamp, _, _) => AsStored<int>(Int32Type.Default),
            (Stored.Int64, not Meaning.Timestamp, _, _) => AsStored<long>(Int64Type.Default),
            (Stored.Float, _, _, _) => AsStored<float>(FloatType.Default),
            (Stored.Double, _, _, _) => AsStored<double>(DoubleType.Default),
            (Stored.FixedBytes, Meaning.Half, _, _) when node.Length == 2 => AsStored<Half>(HalfFloatType.Default),
            (Stored.Bytes, Meaning.Text, _, _) => (StringType.Default, Texts),
            _ => (NullType.Default, null),
        };
        ArrowField = new(field.Name, type, node.IsOptional);
    }

    public ParquetField Field { get; }

    /// <summary>The column as Arrow has it; of a kind that is not read one without a type.</summary>
    public ArrowField ArrowField { get; }

    /// <exception cref="RowFault">It is of a kind that is not read.</exception>
    public void CheckRead()
    {
        if (read is null)
            throw ParquetFault.Unread(Field.Name, Field.IsFlat ? $"{Field.Node.Stored} values that mean {Field.Node.Meaning}" : "nested values");
    }

    /// <summary>The column's rows of a group.</summary>
    public IArrowArray Read(ChunkValues values, int rows)
    {
        try
        {
            return read!(values, rows);
        }
        catch (OverflowException)
        {
            throw ParquetFault.Damaged(Field.Name, "has a value that its type does not have");
        }
    }

    private static TimestampType Ticks(SchemaNode node) =>
        new(node.Digits switch { 3 => TimeUnit.Millisecond, 6 => TimeUnit.Microsecond, _ => TimeUnit.Nanosecond }, node.IsUtc ? "UTC" : null);

    // Of values that Arrow has as Parquet does, all of them there, nothing is copied.
    private static (IArrowType, Func<ChunkValues, int, IArrowArray>) AsStored<T>(IArrowType type)
        where T : unmanaged
    {
        Func<ChunkValues, int, IArrowArray> some = Numbers<T, T>(type, value => value).Item2;
        return (type, (values, rows) => values.Bytes.Length == rows * Unsafe.SizeOf<T>()
            ? ArrowArrayFactory.BuildArray(new ArrayData(type, rows, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(values.Memory)]))
            : some(values, rows));
    }

    private static (IArrowType, Func<ChunkValues, int, IArrowArray>) Numbers<TFrom, TTo>(IArrowType type, Func<TFrom, TTo> convert)
        where TFrom : unmanaged
        where TTo : unmanaged =>
        (type, (values, rows) => Fixed<TTo>(type, values, rows, (value, _) => convert(MemoryMarshal.Cast<byte, TFrom>(values.Bytes)[value])));

    // The value of each row that has one, by its place among those that are there.
    private static IArrowArray Fixed<T>(IArrowType type, ChunkValues values, int rows, Func<int, ChunkValues, T> convert)
        where T : unmanaged
    {
        byte[] numbers = new byte[rows * Unsafe.SizeOf<T>()], valid = new byte[(rows + 7) / 8];
        Span<T> target = MemoryMarshal.Cast<byte, T>(numbers.AsSpan());
        int there = 0;
        for (int row = 0; row < rows; row++)
            if (values.IsThere(row))
            {
                target[row] = convert(there++, values);
                valid[row >> 3] |= (byte)(1 << (row & 7));
            }
        return ArrowArrayFactory.BuildArray(new ArrayData(type, rows, rows - there, 0, [there < rows ? new ArrowBuffer(valid) : ArrowBuffer.Empty, new ArrowBuffer(numbers)]));
    }

    private static BooleanArray Flags(ChunkValues values, int rows)
    {
        var flags = new BooleanArray.Builder();
        for (int row = 0, there = 0; row < rows; row++)
            if (values.IsThere(row))
                flags.Append(values.Bytes[there++] != 0);
            else
                flags.AppendNull();
        return flags.Build();
    }

    private static StringArray Texts(ChunkValues values, int rows)
    {
        int[] offsets = new int[rows + 1];
        byte[] valid = new byte[(rows + 7) / 8];
        int there = 0;
        for (int row = 0; row < rows; row++)
        {
            offsets[row + 1] = offsets[row];
            if (!values.IsThere(row))
                continue;
            offsets[row + 1] = values.Ends[there++];
            valid[row >> 3] |= (byte)(1 << (row & 7));
        }
        return new StringArray(rows, new ArrowBuffer(MemoryMarshal.AsBytes(offsets.AsSpan()).ToArray()), new ArrowBuffer(values.Bytes.ToArray()),
            there < rows ? new ArrowBuffer(valid) : ArrowBuffer.Empty, rows - there);
    }

    // Legacy timestamps: nanoseconds of the day, and the day counted from noon of 24 November 4714 BC.
    private static IArrowArray Moments(ChunkValues values, int rows) => Fixed(new TimestampType(TimeUnit.Microsecond, "UTC"), values, rows, (value, all) =>
    {
        ReadOnlySpan<byte> bytes = all.Bytes.Slice(value * all.Width, all.Width);
        return (BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) - JulianEpoch) * MicrosecondsOfDay + BinaryPrimitives.ReadInt64LittleEndian(bytes) / 1000;
    });

    private IArrowArray Decimals(ChunkValues values, int rows) => Fixed(DoubleType.Default, values, rows, (value, all) =>
    {
        int start = all.Width > 0 ? value * all.Width : value == 0 ? 0 : all.Ends[value - 1], end = all.Width > 0 ? start + all.Width : all.Ends[value];
        return Decimal(new BigInteger(all.Bytes[start..end], isBigEndian: true), Field.Node.Scale);
    });

    // Rounded once, as its digits would be if they were written out.
    private static double Decimal(BigInteger whole, int scale)
    {
        if (scale is < 0 or > MostPlaces)
            throw new OverflowException();
        return scale <= ExactPlaces && BigInteger.Abs(whole) <= ExactWhole
            ? (double)whole / Math.Pow(10, scale)
            : double.Parse($"{whole.ToString(CultureInfo.InvariantCulture)}E-{scale.ToString(CultureInfo.InvariantCulture)}", CultureInfo.InvariantCulture);
    }
}
