using System.IO.Pipelines;
using FlowRows.Answers;
using FlowRows.Tables;

namespace FlowRows.Npy;

/// <summary>
/// NumPy arrays. In: one row after the other, its context behind its values; what follows the first dimension is flat. Out: the
/// answer's main column as a plain array, or with <c>include</c> a structured one, a field for each column.
/// </summary>
internal sealed class NpyFormat() : RowFormat("application/x-npy", ".npy")
{
    public override bool CountsFirst => true;

    public override bool Keeps => false;

    public override bool Begins(ReadOnlySpan<byte> start) => NpyHeader.Begins(start);

    public override async ValueTask<RowReader<T>> OpenAsync<T>(PipeReader body, RowSource source, CancellationToken cancellation) =>
        await NpyRowReader<T>.OpenAsync(body, source, cancellation);

    public override AnswerWriter<T> Writer<T>(PipeWriter body, AnswerOptions options) => new NpyAnswerWriter<T>(body, options);
}
