using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace FlowService.Wire.Arrow;

/// <summary>
/// An answer as Arrow record batches, one for each part: the columns that are passed on, then the answer's. Data of a model that
/// names its features are columns of these names; other rows of numbers are one column of lists.
/// </summary>
internal sealed class ArrowAnswerWriter(PipeWriter body, AnswerOptions options) : AnswerWriter(body)
{
    private readonly List<byte[]> scratch = [];
    private readonly IArrowType number = options.Type == ElementType.Float32 ? FloatType.Default : DoubleType.Default;
    private readonly int size = options.Type == ElementType.Float32 ? sizeof(float) : sizeof(double);
    private ArrowStreamWriter? arrow;
    private Schema? schema;
    private int used;

    public override async ValueTask WriteAsync(Answer part, CancellationToken cancellation)
    {
        schema ??= SchemaOf(part);
        arrow ??= new ArrowStreamWriter(Body.AsStream(leaveOpen: true), schema, leaveOpen: true);
        used = 0;
        List<IArrowArray> arrays = [.. Enumerable.Range(0, part.Kept?.Count ?? 0).Select(i => part.Kept!.Array(i))];
        foreach (Column column in part.Columns)
            if (column.IsTable)
                for (int i = 0; i < column.Width; i++)
                    arrays.Add(Numbers(column.Values.Span, i, column.Width, part.Rows));
            else
                arrays.Add(new FixedSizeListArray(ListOf(column), part.Rows, Numbers(column.Values.Span, 0, 1, part.Rows * column.Width), ArrowBuffer.Empty, 0));
        await arrow.WriteRecordBatchAsync(new RecordBatch(schema, arrays, part.Rows), cancellation);
    }

    public override async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        if (arrow is not null)
            await arrow.WriteEndAsync(cancellation);
        arrow?.Dispose();
        await base.CompleteAsync(cancellation);
    }

    private Schema SchemaOf(Answer part)
    {
        CheckNames(part);
        var fields = new Schema.Builder();
        for (int i = 0; i < part.Kept?.Count; i++)
            fields.Field(part.Kept.Field(i));
        foreach (Column column in part.Columns)
            if (column.IsTable)
                foreach (string name in column.Names)
                    fields.Field(new Field(name, number, nullable: false));
            else
                fields.Field(new Field(column.Name, ListOf(column), nullable: false));
        return fields.Build();
    }

    private FixedSizeListType ListOf(Column column) => new(new Field("item", number, nullable: false), column.Width);

    /// <summary>Every <paramref name="stride"/>-th value from <paramref name="first"/> on, in memory that the next part uses again.</summary>
    private IArrowArray Numbers(ReadOnlySpan<float> values, int first, int stride, int count)
    {
        if (used == scratch.Count)
            scratch.Add([]);
        if (scratch[used].Length < count * size)
            scratch[used] = GC.AllocateUninitializedArray<byte>(count * size);
        byte[] bytes = scratch[used++];
        var buffer = new ArrowBuffer(bytes.AsMemory(0, count * size));
        if (options.Type == ElementType.Float32)
        {
            Span<float> target = MemoryMarshal.Cast<byte, float>(bytes.AsSpan());
            for (int i = 0; i < count; i++)
                target[i] = values[first + i * stride];
            return new FloatArray(buffer, ArrowBuffer.Empty, count, 0, 0);
        }
        Span<double> wide = MemoryMarshal.Cast<byte, double>(bytes.AsSpan());
        for (int i = 0; i < count; i++)
            wide[i] = values[first + i * stride];
        return new DoubleArray(buffer, ArrowBuffer.Empty, count, 0, 0);
    }
}
