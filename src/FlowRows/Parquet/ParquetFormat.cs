using System.IO.Pipelines;
using FlowRows.Answers;
using FlowRows.Arrow;
using FlowRows.Tables;

namespace FlowRows.Parquet;

/// <summary>
/// Parquet files: columns by name, one row group after the other. A file's description stands at its end, so that a body is laid aside in a
/// temporary file before it is read; answers are written as they are computed.
/// </summary>
internal sealed class ParquetFormat() : RowFormat("application/vnd.apache.parquet", ".parquet")
{
    public override bool Begins(ReadOnlySpan<byte> start) => start.StartsWith("PAR1"u8);

    public override async ValueTask<RowReader<T>> OpenAsync<T>(PipeReader body, RowSource source, CancellationToken cancellation)
    {
        TemporaryFile file = await AsideAsync(body, source.Limits.StreamBytes, cancellation);
        try
        {
            ParquetBatches batches = await ParquetBatches.OpenAsync(file, source.Limits, cancellation);
            ArrowRowReader<T> reader = ArrowRowReader<T>.Of(batches, source);
            batches.Wanted = reader.Fields;
            return reader;
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    public override AnswerWriter<T> Writer<T>(PipeWriter body, AnswerOptions options) => new ParquetAnswerWriter<T>(body, options);

    private static async Task<TemporaryFile> AsideAsync(PipeReader body, long most, CancellationToken cancellation)
    {
        var file = TemporaryFile.Create();
        try
        {
            await using var bytes = new BoundedBody(body.AsStream(leaveOpen: true), most);
            await bytes.CopyToAsync(file, cancellation);
            await file.RewindAsync(cancellation);
            return file;
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }
}
