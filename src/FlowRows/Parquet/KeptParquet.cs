using System.Buffers;
using Apache.Arrow;
using Apache.Arrow.Types;
using FlowRows.Arrow;
using Parquet;
using Parquet.Schema;
using ArrowField = Apache.Arrow.Field;

namespace FlowRows.Parquet;

/// <summary>A column that passes through to Parquet, in its own type.</summary>
internal static class KeptParquet
{
    public static DataField FieldOf(ArrowField field) => field.DataType switch
    {
        StringType or LargeStringType => new DataField<string>(field.Name),
        BooleanType => new DataField<bool?>(field.Name),
        Int64Type => new DataField<long?>(field.Name),
        Int32Type => new DataField<int?>(field.Name),
        Int16Type => new DataField<short?>(field.Name),
        Int8Type => new DataField<sbyte?>(field.Name),
        UInt64Type => new DataField<ulong?>(field.Name),
        UInt32Type => new DataField<uint?>(field.Name),
        UInt16Type => new DataField<ushort?>(field.Name),
        UInt8Type => new DataField<byte?>(field.Name),
        DoubleType => new DataField<double?>(field.Name),
        FloatType => new DataField<float?>(field.Name),
        Date32Type or TimestampType => new DataField<DateTime?>(field.Name),
        var type => throw new InvalidOperationException($"a column of {type.Name} was not refused"),
    };

    public static Task WriteAsync(ParquetRowGroupWriter group, DataField field, IArrowArray array) => array switch
    {
        StringArray a => TextsAsync(group, field, a.Length, row => a.GetString(row)),
        LargeStringArray a => TextsAsync(group, field, a.Length, row => a.GetString(row)),
        BooleanArray a => CellsAsync(group, field, a, row => a.GetValue(row) is true),
        Int64Array a => NumbersAsync(group, field, a),
        Int32Array a => NumbersAsync(group, field, a),
        Int16Array a => NumbersAsync(group, field, a),
        Int8Array a => NumbersAsync(group, field, a),
        UInt64Array a => NumbersAsync(group, field, a),
        UInt32Array a => NumbersAsync(group, field, a),
        UInt16Array a => NumbersAsync(group, field, a),
        UInt8Array a => NumbersAsync(group, field, a),
        DoubleArray a => NumbersAsync(group, field, a),
        FloatArray a => NumbersAsync(group, field, a),
        Date32Array a => CellsAsync(group, field, a, row => ArrowTimes.Date(a, row).ToDateTime(default, DateTimeKind.Utc)),
        TimestampArray a => CellsAsync(group, field, a, row => ArrowTimes.Moment(a, row).UtcDateTime),
        _ => throw new InvalidOperationException($"a column of {array.Data.DataType.Name} was not refused"),
    };

    private static Task NumbersAsync<T>(ParquetRowGroupWriter group, DataField field, PrimitiveArray<T> array)
        where T : struct, IEquatable<T> => PartsAsync<T>(group, field, array, values => array.Values.CopyTo(values));

    private static Task CellsAsync<T>(ParquetRowGroupWriter group, DataField field, IArrowArray array, Func<int, T> valueOf)
        where T : struct => PartsAsync<T>(group, field, array, values =>
        {
            for (int row = 0; row < array.Length; row++)
                values[row] = array.IsNull(row) ? default : valueOf(row);
        });

    // As pages hold them: the values that are there, one after the other, and of each row whether it has one.
    private static async Task PartsAsync<T>(ParquetRowGroupWriter group, DataField field, IArrowArray array, Action<T[]> fill)
        where T : struct
    {
        int rows = array.Length, count = array.NullCount == 0 ? rows : 0;
        T[] values = ArrayPool<T>.Shared.Rent(rows);
        int[] levels = ArrayPool<int>.Shared.Rent(rows);
        fill(values);
        levels.AsSpan(0, count).Fill(1);
        for (int row = count; row < rows; row++)
        {
            levels[row] = array.IsNull(row) ? 0 : 1;
            values[count] = values[row];
            count += levels[row];
        }
        await group.WriteAllPartsAsync<T>(field, values.AsMemory(0, count), levels.AsMemory(0, rows), null, default);
        ArrayPool<T>.Shared.Return(values);
        ArrayPool<int>.Shared.Return(levels);
    }

    private static Task TextsAsync(ParquetRowGroupWriter group, DataField field, int rows, Func<int, string?> textOf)
    {
        string?[] texts = new string?[rows];
        for (int row = 0; row < rows; row++)
            texts[row] = textOf(row);
        return group.WriteAsync(field, (IReadOnlyCollection<string>)texts!);
    }
}
