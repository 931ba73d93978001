using System.Globalization;
using System.Numerics;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;
using FlowRows.Tables;

namespace FlowRows.Arrow;

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
        return field.DataType is FixedSizeListType or ListType && layout.Elements(field.Name) is { } names
            ? names.Select((name, element) => new ArrowColumn(name, index, element, names.Length))
            : [new(field.Name, index, 0, 0)];
    }

    /// <summary>Copies rows of a batch into every <paramref name="stride"/>-th value of the target.</summary>
    public void Copy<T>(RecordBatch batch, int first, int rows, Span<T> target, int stride, RowTable<T> table, string model)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        IArrowArray array = batch.Column(Field);
        ArrowChecks.Check(array.Data, Name);
        switch (array)
        {
            case FixedSizeListArray lists when ((FixedSizeListType)lists.Data.DataType).ListSize is var size:
                if (size != Elements)
                    throw table.WrongWidth(table.Rows, size, Elements, model);
                CopyNumbers(lists.Values, (lists.Offset + first) * size + Element, rows, size, target, stride, table);
                break;
            case ListArray lists:
                CopyLists(lists, first, rows, target, stride, table, model);
                break;
            default:
                CopyNumbers(array, first, rows, 1, target, stride, table);
                break;
        }
        // Of a list that is null no element counts.
        if (array.NullCount > 0)
            for (int row = 0; row < rows; row++)
                if (array.IsNull(first + row))
                    target[row * stride] = Null(row, table);
    }

    /// <summary>Copies the numbers of categories into every <paramref name="stride"/>-th value of the target.</summary>
    public void CopyCategories<T>(RecordBatch batch, int first, int rows, Span<T> target, int stride, RowTable<T> table, int column)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        IArrowArray array = batch.Column(Field);
        ArrowChecks.Check(array.Data, Name);
        for (int row = 0; row < rows; row++)
        {
            string? text = array.IsNull(first + row) ? null : Category(array, first + row);
            int code = text is null ? -1 : table.Categories!.CodeOf(column, text);
            target[row * stride] = code >= 0 ? T.CreateChecked(code) : Refused(row, table.Categories!.Refusal(column, table.First + table.Rows + row, text), table);
        }
    }

    private string Category(IArrowArray array, int row) => array switch
    {
        StringArray a => CategoryCodes.TextOf(a.GetBytes(row)),
        LargeStringArray a => CategoryCodes.TextOf(Encoding.UTF8.GetBytes(a.GetString(row))),
        DictionaryArray a when a.Indices is PrimitiveArray<int> indices => Category(a.Dictionary, indices.Values[row]),
        DictionaryArray a when a.Indices is PrimitiveArray<short> indices => Category(a.Dictionary, indices.Values[row]),
        DictionaryArray a when a.Indices is PrimitiveArray<sbyte> indices => Category(a.Dictionary, indices.Values[row]),
        BooleanArray a => a.GetValue(row) is true ? "true" : "false",
        Int8Array a => Number(a.Values[row]),
        Int16Array a => Number(a.Values[row]),
        Int32Array a => Number(a.Values[row]),
        Int64Array a => Number(a.Values[row]),
        UInt8Array a => Number(a.Values[row]),
        UInt16Array a => Number(a.Values[row]),
        UInt32Array a => Number(a.Values[row]),
        UInt64Array a => Number(a.Values[row]),
        FloatArray a => Number(a.Values[row]),
        DoubleArray a => Number(a.Values[row]),
        _ => throw new RowFault(RowFaultKind.InvalidBody, $"column '{Name.Shown()}' holds {array.Data.DataType.Name}; send its categories as text or numbers") { Field = Name.Shown() },
    };

    private static string Number<TNumber>(TNumber value)
        where TNumber : INumberBase<TNumber> => CategoryCodes.TextOf(Encoding.UTF8.GetBytes(value.ToString(null, CultureInfo.InvariantCulture)));

    // Lists that are all there, and as long as they should be, lie side by side.
    private void CopyLists<T>(ListArray lists, int first, int rows, Span<T> target, int stride, RowTable<T> table, string model)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int row = 0, run = 0; row < rows; row++)
        {
            int length = lists.GetValueLength(first + row);
            bool isWhole = length == Elements && !lists.IsNull(first + row);
            if (!isWhole && !lists.IsNull(first + row))
                target[row * stride] = Refused(row, table.WrongWidth(table.Rows + row, length, Elements, model), table);
            if (isWhole && row < rows - 1)
                continue;
            int end = isWhole ? rows : row;
            if (end > run)
                CopyNumbers(lists.Values, lists.ValueOffsets[first + run] + Element, end - run, Elements, target[(run * stride)..], stride, table, run);
            run = row + 1;
        }
    }

    private void CopyNumbers<T>(IArrowArray array, int first, int rows, int step, Span<T> target, int stride, RowTable<T> table, int before = 0)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
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
                throw new RowFault(RowFaultKind.InvalidBody, $"column '{Name.Shown()}' holds {array.Data.DataType.Name}; send numbers") { Field = Name.Shown() };
        }
        if (array.NullCount > 0)
            for (int row = 0; row < rows; row++)
                if (array.IsNull(first + row * step))
                    target[row * stride] = Null(before + row, table);

        void Copy<TFrom>(ReadOnlySpan<TFrom> source, Span<T> target)
            where TFrom : struct, INumberBase<TFrom>
        {
            for (int row = 0; row < rows; row++)
                target[row * stride] = T.CreateTruncating(source[first + row * step]);
        }
    }

    private T Null<T>(int row, RowTable<T> table)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (table.MayLack)
            return T.NaN;
        long number = table.First + table.Rows + row;
        return Refused(row, new RowFault(RowFaultKind.InvalidValue,
            $"{table.Name}: row {number}, column '{Name.Shown()}' is null; each value must be a finite number")
        { Field = table.Name, Row = number }, table);
    }

    // NaN is sifted out with its reason, where rows that cannot be read are no reason to refuse all.
    private static T Refused<T>(int row, RowFault fault, RowTable<T> table)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (table.Errors is null)
            throw fault;
        table.Errors.Add(table.Rows + row, fault);
        return T.NaN;
    }
}
