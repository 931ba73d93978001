using System.IO.Pipelines;

namespace FlowService.Wire.Npy;

/// <summary>
/// NumPy arrays. In: one row after the other, its context behind its values; what follows the first dimension is flat. Out: the
/// answer's main column as a plain array, or with <c>include</c> a structured one, a field for each column.
/// </summary>
internal sealed class NpyFormat() : RowFormat("application/x-npy")
{
    public override bool CountsFirst => true;

    public override bool Keeps => false;

    public override async ValueTask<RowReader> OpenAsync(HttpRequest request, RowSource source, CancellationToken cancellation) =>
        await NpyRowReader.OpenAsync(request.BodyReader, source, cancellation);

    protected override AnswerWriter Writer(PipeWriter body, AnswerOptions options) => new NpyAnswerWriter(body, options);
}
