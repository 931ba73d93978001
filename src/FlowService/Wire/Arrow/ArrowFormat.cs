using System.IO.Pipelines;

namespace FlowService.Wire.Arrow;

/// <summary>
/// Arrow record batches (the IPC streaming format). In: a column of numbers for each feature, by name, or one column x, z or
/// context of lists. Out: the columns that are passed on, then those of the answer.
/// </summary>
internal sealed class ArrowFormat() : RowFormat("application/vnd.apache.arrow.stream")
{
    public override async ValueTask<RowReader> OpenAsync(HttpRequest request, RowSource source, CancellationToken cancellation) =>
        await ArrowRowReader.OpenAsync(new BoundedBody(request.Body, source.Limits.StreamBytes), source, cancellation);

    protected override AnswerWriter Writer(PipeWriter body, AnswerOptions options) => new ArrowAnswerWriter(body, options);
}
