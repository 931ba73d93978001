using System.IO.Pipelines;
using System.Numerics;
using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using FlowRows.Answers;
using FlowRows.Arrow;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowRows.Scoring;

/// <summary>
/// Answers that wait in a temporary file, as Arrow record batches, until something is known of all of them: memory stays bounded whatever their
/// number. The file is gone with this.
/// </summary>
internal sealed class RowsAside<T>(RowPool pool) : IAsyncDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly TemporaryFile file = TemporaryFile.Create();

    private Answer<T>? first;
    private ArrowAnswerWriter<T>? writer;
    private PipeWriter? bytes;

    /// <summary>The number of rows.</summary>
    public long Rows { get; private set; }

    /// <summary>Lays some successive rows aside. The columns of all parts are the same.</summary>
    public async ValueTask AddAsync(Answer<T> part, CancellationToken cancellation)
    {
        first ??= part; // for the shape of its columns, which outlives its buffers
        bytes ??= PipeWriter.Create(file, new StreamPipeWriterOptions(leaveOpen: true));
        ElementType type = typeof(T) == typeof(float) ? ElementType.Float32 : ElementType.Float64;
        writer ??= new ArrowAnswerWriter<T>(bytes, new(null, type, []) { KeepsAsRead = true });
        await writer.WriteAsync(part, cancellation);
        await bytes.FlushAsync(cancellation);
        Rows += part.Rows;
    }

    /// <summary>The parts as they were; each is disposed of when the next one is asked for.</summary>
    public async IAsyncEnumerable<Answer<T>> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        if (writer is null)
            yield break;
        await writer.CompleteAsync(cancellation);
        await bytes!.CompleteAsync();
        await file.RewindAsync(cancellation);
        using var arrow = new ArrowStreamReader(file, leaveOpen: true);
        while (await arrow.ReadNextRecordBatchAsync(cancellation) is { } batch)
            using (batch)
            using (Answer<T> part = Part(batch))
                yield return part;
    }

    public ValueTask DisposeAsync() => file.DisposeAsync();

    private Answer<T> Part(RecordBatch batch)
    {
        int next = first!.Kept?.Count ?? 0;
        var part = new Answer<T>(first.Model, first.Version, batch.Length) { Seed = first.Seed, Calibration = first.Calibration };
        if (next > 0)
            (part.Kept = new KeptColumns([.. Enumerable.Range(0, next)]) { IsJson = first.Kept!.IsJson }).Add(batch);
        if (first.Numbers is not null)
            part.Numbers = ((Int64Array)batch.Column(next++)).Values.ToArray();
        foreach (AnswerColumn<T> column in first.Columns)
        {
            RowBuffer<T> values = pool.Rent<T>(batch.Length * column.Width);
            next += Take(batch, next, column, values.Span);
            part.AddDerived(column with { Values = values });
        }
        if (first.Reasons is { Top: var top })
        {
            part.Reasons = new RowReasons(top);
            for (int i = 0; i < top; i++, next++)
                part.Reasons.AddTexts(i, (StringArray)batch.Column(next));
        }
        if (first.Errors is not null)
            part.Errors = ErrorsOf((StringArray)batch.Column(next));
        return part;
    }

    private static int Take(RecordBatch batch, int at, AnswerColumn<T> column, Span<T> target)
    {
        if (column.IsFlag)
        {
            var flags = (BooleanArray)batch.Column(at);
            for (int row = 0; row < batch.Length; row++)
                target[row] = flags.GetValue(row) is { } flag ? flag ? T.One : T.Zero : T.NaN;
            return 1;
        }
        if (!column.IsTable)
        {
            Numbers(((FixedSizeListArray)batch.Column(at)).Values).CopyTo(target);
            return 1;
        }
        for (int i = 0; i < column.Width; i++)
        {
            ReadOnlySpan<T> values = Numbers(batch.Column(at + i));
            for (int row = 0; row < values.Length; row++)
                target[row * column.Width + i] = values[row];
        }
        return column.Width;
    }

    private static ReadOnlySpan<T> Numbers(IArrowArray array) => array is FloatArray floats
        ? System.Runtime.InteropServices.MemoryMarshal.Cast<float, T>(floats.Values)
        : System.Runtime.InteropServices.MemoryMarshal.Cast<double, T>(((DoubleArray)array).Values);

    private static RowErrors ErrorsOf(StringArray reasons)
    {
        var errors = new RowErrors();
        for (int row = 0; row < reasons.Length; row++)
            if (reasons.GetString(row) is { } reason)
                errors.Add(row, reason);
        return errors;
    }
}
