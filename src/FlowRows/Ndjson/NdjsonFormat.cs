using System.IO.Pipelines;
using FlowRows.Answers;
using FlowRows.Tables;

namespace FlowRows.Ndjson;

/// <summary>A JSON object in each line, with a value under the name of each column: rows in any number, in and out.</summary>
internal sealed class NdjsonFormat() : RowFormat("application/x-ndjson", ".ndjson", ".jsonl")
{
    public override bool IsBinary => false;

    /// <summary>It begins as JSON does: only its name tells that more lines follow.</summary>
    public override bool Begins(ReadOnlySpan<byte> start) => false;

    public override async ValueTask<RowReader<T>> OpenAsync<T>(PipeReader body, RowSource source, CancellationToken cancellation) =>
        await NdjsonRowReader<T>.OpenAsync(body, source, cancellation);

    public override AnswerWriter<T> Writer<T>(PipeWriter body, AnswerOptions options) => new NdjsonAnswerWriter<T>(body);
}
