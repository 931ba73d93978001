using System.IO.Pipelines;
using System.Numerics;
using System.Runtime.CompilerServices;
using Apache.Arrow.Ipc;
using FlowRows.Answers;
using FlowRows.Arrow;
using FlowRows.Buffers;

namespace FlowRows.Scoring;

/// <summary>
/// Answers that wait in a temporary file, as Arrow record batches, until something is known of all of them: memory stays bounded whatever their
/// number. The file is gone with this.
/// </summary>
internal sealed class RowsAside<T>(RowPool pool) : IAsyncDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly TemporaryFile file = TemporaryFile.Create();

    private AnswerShape? shape;
    private ScoreRequest? calibration;
    private ArrowAnswerWriter<T>? writer;
    private PipeWriter? bytes;

    /// <summary>Lays some successive rows aside. The columns of all parts are the same.</summary>
    public async ValueTask AddAsync(Answer<T> part, CancellationToken cancellation)
    {
        (shape, calibration) = (shape ?? AnswerShape.Of(part), part.Calibration);
        bytes ??= PipeWriter.Create(file, new StreamPipeWriterOptions(leaveOpen: true));
        writer ??= new ArrowAnswerWriter<T>(bytes, AnswerOptions.AsRead<T>());
        await writer.WriteAsync(part, cancellation);
        await bytes.FlushAsync(cancellation);
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
            using (Answer<T> part = shape!.Read<T>(batch, pool, calibration))
                yield return part;
    }

    public ValueTask DisposeAsync() => file.DisposeAsync();
}
