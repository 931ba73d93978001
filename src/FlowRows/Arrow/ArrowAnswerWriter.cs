using System.IO.Pipelines;
using System.Numerics;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using FlowRows.Answers;

namespace FlowRows.Arrow;

/// <summary>
/// An answer as Arrow record batches, one for each part: the columns that are passed on, then the answer's. Data of a model that
/// names its features are columns of these names; other rows of numbers are one column of lists.
/// </summary>
internal sealed class ArrowAnswerWriter<T>(PipeWriter body, AnswerOptions options) : AnswerWriter<T>(body)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly List<byte[]> scratch = [];
    private readonly IArrowType number = options.Type == ElementType.Float32 ? FloatType.Default : DoubleType.Default;
    private readonly int size = options.Type == ElementType.Float32 ? sizeof(float) : sizeof(double);
    private ArrowStreamWriter? arrow;
    private Schema? schema;
    private int used;

    public override async ValueTask WriteAsync(Answer<T> part, CancellationToken cancellation)
    {
        schema ??= SchemaOf(part);
        arrow ??= options.IsFile
            ? new ArrowFileWriter(new PlacedStream(Body), schema, leaveOpen: true)
            : new ArrowStreamWriter(Body.AsStream(leaveOpen: true), schema, leaveOpen: true);
        used = 0;
        List<IArrowArray> arrays = [];
        for (int i = 0; i < (options.KeepsAsRead ? part.Kept?.Arrays : part.Kept?.Count); i++)
            arrays.Add(options.KeepsAsRead ? part.Kept!.AsHeld(i) : part.Kept!.Array(i));
        if (part.Numbers is { } numbers)
            arrays.Add(new Int64Array.Builder().AppendRange(numbers).Build());
        foreach (AnswerColumn<T> column in part.Columns)
            if (column.IsFlag)
                arrays.Add(Flags(column, part.Rows));
            else if (column.IsTable)
                for (int i = 0; i < column.Width; i++)
                    arrays.Add(Numbers(column.Values.Span, i, column.Width, part.Rows));
            else
                arrays.Add(new FixedSizeListArray(ListOf(column), part.Rows, Numbers(column.Values.Span, 0, 1, part.Rows * column.Width), ArrowBuffer.Empty, 0));
        for (int i = 0; i < part.Reasons?.Top; i++)
            arrays.Add(Texts(part.Rows, row => part.Reasons.Text(row, i)));
        if (part.Errors is { } errors)
            arrays.Add(Texts(part.Rows, errors.Of));
        await arrow.WriteRecordBatchAsync(new RecordBatch(schema, arrays, part.Rows), cancellation);
        await Body.FlushAsync(cancellation);
    }

    public override async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        if (arrow is not null)
            await arrow.WriteEndAsync(cancellation);
        arrow?.Dispose();
        await base.CompleteAsync(cancellation);
    }

    /// <summary>A last message without a header, at which readers fail; of a file the end alone tells that it is whole.</summary>
    public override async ValueTask BreakOffAsync(string reason, CancellationToken cancellation)
    {
        if (!options.IsFile)
            await Body.WriteAsync(ArrowBreak.Message(reason), cancellation);
    }

    private Schema SchemaOf(Answer<T> part)
    {
        CheckNames(part);
        var fields = new Schema.Builder();
        for (int i = 0; i < (options.KeepsAsRead ? part.Kept?.Arrays : part.Kept?.Count); i++)
            fields.Field(options.KeepsAsRead ? part.Kept!.HeldField(i) : part.Kept!.Field(i));
        if (part.Numbers is not null)
            fields.Field(new Field(RowColumn, Int64Type.Default, nullable: false));
        foreach (AnswerColumn<T> column in part.Columns)
            if (column.IsFlag)
                fields.Field(new Field(column.Name, BooleanType.Default, nullable: true));
            else if (column.IsTable)
                foreach (string name in column.Names)
                    fields.Field(new Field(name, number, nullable: false));
            else
                fields.Field(new Field(column.Name, ListOf(column), nullable: false));
        foreach (string name in part.Reasons?.Columns ?? [])
            fields.Field(new Field(name, StringType.Default, nullable: true));
        if (part.Errors is not null)
            fields.Field(new Field(ErrorColumn, StringType.Default, nullable: true));
        if (options.Facts is not null)
            fields.Metadata(options.Facts);
        return fields.Build();
    }

    private static StringArray Texts(int rows, Func<int, string?> textOf)
    {
        var texts = new StringArray.Builder();
        for (int row = 0; row < rows; row++)
            if (textOf(row) is { } text)
                texts.Append(text);
            else
                texts.AppendNull();
        return texts.Build();
    }

    private static BooleanArray Flags(AnswerColumn<T> column, int rows)
    {
        var flags = new BooleanArray.Builder();
        for (int row = 0; row < rows; row++)
            if (T.IsNaN(column.Values.Span[row]))
                flags.AppendNull();
            else
                flags.Append(column.Values.Span[row] != T.Zero);
        return flags.Build();
    }

    private FixedSizeListType ListOf(AnswerColumn<T> column) => new(new Field("item", number, nullable: false), column.Width);

    /// <summary>Every <paramref name="stride"/>-th value from <paramref name="first"/> on, in memory that the next part uses again.</summary>
    private IArrowArray Numbers(ReadOnlySpan<T> values, int first, int stride, int count)
    {
        if (used == scratch.Count)
            scratch.Add([]);
        if (scratch[used].Length < count * size)
            scratch[used] = GC.AllocateUninitializedArray<byte>(count * size);
        byte[] bytes = scratch[used++];
        var buffer = new ArrowBuffer(bytes.AsMemory(0, count * size));
        if (options.Type == ElementType.Float32)
        {
            Each(values, first, stride, MemoryMarshal.Cast<byte, float>(bytes.AsSpan())[..count]);
            return new FloatArray(buffer, ArrowBuffer.Empty, count, 0, 0);
        }
        Each(values, first, stride, MemoryMarshal.Cast<byte, double>(bytes.AsSpan())[..count]);
        return new DoubleArray(buffer, ArrowBuffer.Empty, count, 0, 0);
    }

    private static void Each<TTo>(ReadOnlySpan<T> values, int first, int stride, Span<TTo> target)
        where TTo : INumberBase<TTo>
    {
        for (int i = 0; i < target.Length; i++)
            target[i] = TTo.CreateTruncating(values[first + i * stride]);
    }
}
