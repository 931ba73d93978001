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

    public static ValueTask WriteAsync(ParquetRowGroupWriter group, DataField field, IArrowArray array) => array switch
    {
        StringArray a => TextsAsync(group, field, a.Length, row => a.GetString(row)),
        LargeStringArray a => TextsAsync(group, field, a.Length, row => a.GetString(row)),
        BooleanArray a => CellsAsync<bool>(group, field, a.Length, a.GetValue),
        Int64Array a => CellsAsync<long>(group, field, a.Length, a.GetValue),
        Int32Array a => CellsAsync<int>(group, field, a.Length, a.GetValue),
        Int16Array a => CellsAsync<short>(group, field, a.Length, a.GetValue),
        Int8Array a => CellsAsync<sbyte>(group, field, a.Length, a.GetValue),
        UInt64Array a => CellsAsync<ulong>(group, field, a.Length, a.GetValue),
        UInt32Array a => CellsAsync<uint>(group, field, a.Length, a.GetValue),
        UInt16Array a => CellsAsync<ushort>(group, field, a.Length, a.GetValue),
        UInt8Array a => CellsAsync<byte>(group, field, a.Length, a.GetValue),
        DoubleArray a => CellsAsync<double>(group, field, a.Length, a.GetValue),
        FloatArray a => CellsAsync<float>(group, field, a.Length, a.GetValue),
        Date32Array a => CellsAsync<DateTime>(group, field, a.Length, row => a.IsNull(row) ? null : ArrowTimes.Date(a, row).ToDateTime(default, DateTimeKind.Utc)),
        TimestampArray a => CellsAsync<DateTime>(group, field, a.Length, row => a.IsNull(row) ? null : ArrowTimes.Moment(a, row).UtcDateTime),
        _ => throw new InvalidOperationException($"a column of {array.Data.DataType.Name} was not refused"),
    };

    private static async ValueTask CellsAsync<T>(ParquetRowGroupWriter group, DataField field, int rows, Func<int, T?> cellOf)
        where T : struct
    {
        var cells = new T?[rows];
        for (int row = 0; row < rows; row++)
            cells[row] = cellOf(row);
        await group.WriteAsync<T>(field, (ReadOnlyMemory<T?>)cells);
    }

    private static async ValueTask TextsAsync(ParquetRowGroupWriter group, DataField field, int rows, Func<int, string?> textOf)
    {
        string?[] texts = new string?[rows];
        for (int row = 0; row < rows; row++)
            texts[row] = textOf(row);
        await group.WriteAsync(field, (IReadOnlyCollection<string>)texts!);
    }
}
