using System.IO.Pipelines;
using FlowRows.Answers;
using FlowRows.Tables;

namespace FlowRows.Pictures;

/// <summary>
/// A picture, which is one row: an image, or the small image that one is to be drawn for. Answers are pictures by <see cref="ImageGrid"/>,
/// not by this format.
/// </summary>
internal sealed class PngFormat() : RowFormat("image/png", ".png")
{
    public override bool Keeps => false;

    public override bool IsWhole => true;

    public override bool Begins(ReadOnlySpan<byte> start) => start.StartsWith("\x89PNG"u8);

    public override async ValueTask<RowReader<T>> OpenAsync<T>(PipeReader body, RowSource source, CancellationToken cancellation)
    {
        using var bytes = new MemoryStream();
        await using (var bounded = new BoundedBody(body.AsStream(leaveOpen: true), source.Limits.BodyBytes))
            await bounded.CopyToAsync(bytes, cancellation);
        return new PngRowReader<T>(bytes.ToArray(), source);
    }

    public override AnswerWriter<T> Writer<T>(PipeWriter body, AnswerOptions options) =>
        throw new NotSupportedException("Pictures are written by ImageGrid.");
}
