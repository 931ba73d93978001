using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Parquet;
using Parquet.Schema;
using ArrowField = Apache.Arrow.Field;

namespace FlowRows.Parquet;

/// <summary>A column of a Parquet file, and how it is read as an Arrow one.</summary>
internal sealed record ParquetColumn(ArrowField Field, Func<ParquetRowGroupReader, int, CancellationToken, Task<IArrowArray>> ReadAsync)
{
    private static readonly DateTime Epoch = DateTime.UnixEpoch;

    /// <exception cref="RowFault">Columns of this type are not read.</exception>
    public static ParquetColumn Of(DataField field) => field.ClrType switch
    {
        var type when type == typeof(double) => Numbers<double, double>(field, DoubleType.Default, value => value),
        var type when type == typeof(float) => Numbers<float, float>(field, FloatType.Default, value => value),
        var type when type == typeof(long) => Numbers<long, long>(field, Int64Type.Default, value => value),
        var type when type == typeof(int) => Numbers<int, int>(field, Int32Type.Default, value => value),
        var type when type == typeof(short) => Numbers<short, short>(field, Int16Type.Default, value => value),
        var type when type == typeof(sbyte) => Numbers<sbyte, sbyte>(field, Int8Type.Default, value => value),
        var type when type == typeof(ulong) => Numbers<ulong, ulong>(field, UInt64Type.Default, value => value),
        var type when type == typeof(uint) => Numbers<uint, uint>(field, UInt32Type.Default, value => value),
        var type when type == typeof(ushort) => Numbers<ushort, ushort>(field, UInt16Type.Default, value => value),
        var type when type == typeof(byte) => Numbers<byte, byte>(field, UInt8Type.Default, value => value),
        var type when type == typeof(decimal) => Numbers<decimal, double>(field, DoubleType.Default, value => (double)value),
        var type when type == typeof(DateTime) => Numbers<DateTime, long>(field, new TimestampType(TimeUnit.Microsecond, "UTC"), value => (value - Epoch).Ticks / TimeSpan.TicksPerMicrosecond),
        var type when type == typeof(DateOnly) => Numbers<DateOnly, int>(field, Date32Type.Default, value => value.DayNumber - DateOnly.FromDateTime(Epoch).DayNumber),
        var type when type == typeof(bool) => Flags(field),
        var type when type == typeof(string) || type == typeof(ReadOnlyMemory<char>) => Texts(field),
        var type => throw Unread(field.Name, type.Name),
    };

    /// <summary>The refusal of a column.</summary>
    public static RowFault Unread(string name, string what) =>
        new(RowFaultKind.InvalidBody, $"column '{name.Shown()}' of the Parquet file holds {what}, which is not read; leave it out") { Field = name.Shown() };

    private static ParquetColumn Numbers<TFrom, TTo>(DataField field, IArrowType type, Func<TFrom, TTo> convert)
        where TFrom : struct
        where TTo : unmanaged =>
        new(new ArrowField(field.Name, type, field.IsNullable), async (group, rows, cancellation) =>
        {
            TFrom?[] cells = await CellsAsync<TFrom>(field, group, rows, cancellation);
            byte[] values = new byte[rows * Marshal.SizeOf<TTo>()], valid = new byte[(rows + 7) / 8];
            int missing = 0;
            for (int row = 0; row < rows; row++)
                if (cells[row] is { } cell)
                {
                    MemoryMarshal.Cast<byte, TTo>(values.AsSpan())[row] = convert(cell);
                    valid[row >> 3] |= (byte)(1 << (row & 7));
                }
                else
                    missing++;
            return ArrowArrayFactory.BuildArray(new ArrayData(type, rows, missing, 0, [missing > 0 ? new ArrowBuffer(valid) : ArrowBuffer.Empty, new ArrowBuffer(values)]));
        });

    private static ParquetColumn Flags(DataField field) => new(new ArrowField(field.Name, BooleanType.Default, field.IsNullable), async (group, rows, cancellation) =>
    {
        var flags = new BooleanArray.Builder();
        foreach (bool? cell in await CellsAsync<bool>(field, group, rows, cancellation))
            if (cell is { } flag)
                flags.Append(flag);
            else
                flags.AppendNull();
        return flags.Build();
    });

    private static ParquetColumn Texts(DataField field) => new(new ArrowField(field.Name, StringType.Default, field.IsNullable), async (group, rows, cancellation) =>
    {
        string?[] cells = new string?[rows];
        await group.ReadAsync(field, cells.AsMemory()!, null, cancellation);
        var texts = new StringArray.Builder();
        foreach (string? cell in cells)
            if (cell is null)
                texts.AppendNull();
            else
                texts.Append(cell);
        return texts.Build();
    });

    private static async Task<T?[]> CellsAsync<T>(DataField field, ParquetRowGroupReader group, int rows, CancellationToken cancellation)
        where T : struct
    {
        var cells = new T?[rows];
        if (field.IsNullable)
        {
            await group.ReadAsync<T>(field, cells.AsMemory(), null, cancellation);
            return cells;
        }
        var values = new T[rows];
        await group.ReadAsync<T>(field, values.AsMemory(), null, cancellation);
        for (int row = 0; row < rows; row++)
            cells[row] = values[row];
        return cells;
    }
}
