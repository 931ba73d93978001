using System.Numerics;
using Apache.Arrow;
using Apache.Arrow.Types;
using FlowService.Errors;

namespace FlowService.Wire.Arrow;

/// <summary>One number for each row: a column of a schema, or one element of its lists.</summary>
/// <param name="Name">The column's name; of an element, that of the feature it stands for.</param>
/// <param name="Field">The column's place in the schema.</param>
/// <param name="Element">The element's place in the list.</param>
/// <param name="Elements">The length of the lists; 0 for a column of numbers.</param>
internal sealed record ArrowColumn(string Name, int Field, int Element, int Elements)
{
    /// <summary>What a field brings: lists named x, z or context bring all values of a row.</summary>
    public static IEnumerable<ArrowColumn> Of(Field field, int index, RowLayout layout)
    {
        string[] names = field.DataType is not (FixedSizeListType or ListType) ? [field.Name]
            : field.Name == layout.Field.Name() && layout.Values.Length > 0 ? layout.Values
            : field.Name == RequestField.Context.Name() ? layout.Context
            : [];
        return names.Length == 0 || field.DataType is not (FixedSizeListType or ListType)
            ? [new(field.Name, index, 0, 0)]
            : names.Select((name, element) => new ArrowColumn(name, index, element, names.Length));
    }

    /// <summary>Copies rows of a batch into every <paramref name="stride"/>-th value of the target.</summary>
    public void Copy(RecordBatch batch, int first, int rows, Span<float> target, int stride, RowTable table)
    {
        IArrowArray array = batch.Column(Field);
        CheckNulls(array, first, rows, table);
        switch (array)
        {
            case FixedSizeListArray lists when ((FixedSizeListType)lists.Data.DataType).ListSize is var size:
                CheckLength(size, 0, table);
                CopyNumbers(lists.Values, (lists.Offset + first) * size + Element, rows, size, target, stride, table);
                break;
            case ListArray lists:
                for (int row = 0; row < rows; row++)
                    CheckLength(lists.GetValueLength(first + row), row, table);
                CopyNumbers(lists.Values, lists.ValueOffsets[first] + Element, rows, Elements, target, stride, table);
                break;
            default:
                CopyNumbers(array, first, rows, 1, target, stride, table);
                break;
        }
    }

    private void CopyNumbers(IArrowArray array, int first, int rows, int step, Span<float> target, int stride, RowTable table)
    {
        switch (array)
        {
            case FloatArray a: Copy(a.Values, target); break;
            case DoubleArray a: Copy(a.Values, target); break;
            case HalfFloatArray a: Copy(a.Values, target); break;
            case Int8Array a: Copy(a.Values, target); break;
            case Int16Array a: Copy(a.Values, target); break;
            case Int32Array a: Copy(a.Values, target); break;
            case Int64Array a: Copy(a.Values, target); break;
            case UInt8Array a: Copy(a.Values, target); break;
            case UInt16Array a: Copy(a.Values, target); break;
            case UInt32Array a: Copy(a.Values, target); break;
            case UInt64Array a: Copy(a.Values, target); break;
            default:
                throw new RequestException(ProblemKind.InvalidBody, $"column '{Name.Shown()}' holds {array.Data.DataType.Name}; send numbers") { Field = Name.Shown() };
        }
        if (array.NullCount > 0)
            for (int row = 0; row < rows; row++)
                if (array.IsNull(first + row * step))
                    throw Null(row, table);

        void Copy<T>(ReadOnlySpan<T> source, Span<float> target)
            where T : struct, INumberBase<T>
        {
            for (int row = 0; row < rows; row++)
                target[row * stride] = float.CreateTruncating(source[first + row * step]);
        }
    }

    private void CheckNulls(IArrowArray array, int first, int rows, RowTable table)
    {
        if (array.NullCount == 0)
            return;
        for (int row = 0; row < rows; row++)
            if (array.IsNull(first + row))
                throw Null(row, table);
    }

    private void CheckLength(int length, int row, RowTable table)
    {
        if (length != Elements)
            throw new RequestException(ProblemKind.WrongWidth, $"{table.Field.Name()}: row {table.First + row} has {length} values, the model takes {Elements} in each row")
            { Field = table.Field.Name(), Row = table.First + row };
    }

    private RequestException Null(int row, RowTable table) =>
        new(ProblemKind.InvalidValue, $"{table.Field.Name()}: row {table.First + row}, column '{Name.Shown()}' is null; each value must be a finite number")
        { Field = table.Field.Name(), Row = table.First + row };
}
