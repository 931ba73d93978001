using System.IO.Pipelines;
using System.Numerics;
using Apache.Arrow.Ipc;
using FlowRows.Answers;
using FlowRows.Arrow;
using FlowRows.Buffers;

namespace FlowRows.Scoring;

/// <summary>Answers laid aside as Arrow record batches, for formats that cannot be written before their q-values are known.</summary>
internal sealed class BatchesAside<T>(AnswerWriter<T> writer, RowPool pool) : IUnrankedWriter<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private AnswerShape? shape;
    private ScoreRequest? calibration;
    private ArrowAnswerWriter<T>? batches;
    private PipeWriter? bytes;

    public async ValueTask LayAsideAsync(Answer<T> part, Stream aside, CancellationToken cancellation)
    {
        (shape, calibration) = (shape ?? AnswerShape.Of(part), part.Calibration);
        bytes ??= PipeWriter.Create(aside, new StreamPipeWriterOptions(leaveOpen: true));
        batches ??= new ArrowAnswerWriter<T>(bytes, AnswerOptions.AsRead<T>());
        await batches.WriteAsync(part, cancellation);
    }

    // Without an end: the stream's own is one.
    public async ValueTask WriteLaidAsideAsync(Stream aside, RankedRows ranked, CancellationToken cancellation)
    {
        if (shape is null)
            return;
        using var arrow = new ArrowStreamReader(aside, leaveOpen: true);
        while (await arrow.ReadNextRecordBatchAsync(cancellation) is { } batch)
            using (batch)
            using (Answer<T> part = shape.Read<T>(batch, pool, calibration))
            {
                ranked.Complete(part);
                await writer.WriteAsync(part, cancellation);
            }
    }
}
