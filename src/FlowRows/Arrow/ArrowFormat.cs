using System.IO.Pipelines;
using FlowRows.Answers;
using FlowRows.Tables;

namespace FlowRows.Arrow;

/// <summary>
/// Arrow record batches (the IPC formats). In: a stream or a file; a column of numbers for each feature, by name, or one column x,
/// z or context of lists. Out: the columns that are passed on, then those of the answer.
/// </summary>
internal sealed class ArrowFormat() : RowFormat("application/vnd.apache.arrow.stream", ".arrow", ".arrows", ".feather")
{
    public override bool Begins(ReadOnlySpan<byte> start) => ArrowMessages.Begins(start);

    public override async ValueTask<RowReader<T>> OpenAsync<T>(PipeReader body, RowSource source, CancellationToken cancellation) =>
        await ArrowRowReader<T>.OpenAsync(new ArrowMessages(body, source.Limits), source, cancellation);

    public override AnswerWriter<T> Writer<T>(PipeWriter body, AnswerOptions options) => new ArrowAnswerWriter<T>(body, options);
}
