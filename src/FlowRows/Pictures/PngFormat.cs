using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using FlowCore;
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

    // The signature, and the beginning of the first chunk, which holds width and height (PNG, third edition, section 11.2.1).
    private const int HeaderBytes = 24, WidthAt = 16, HeightAt = 20;

    public override async ValueTask<ShownImages?> ImagesAsync(PipeReader body, bool channelsLast, CancellationToken cancellation)
    {
        ReadResult read = await body.ReadAtLeastAsync(HeaderBytes, cancellation);
        byte[] header = read.Buffer.Slice(0, Math.Min(HeaderBytes, read.Buffer.Length)).ToArray();
        body.AdvanceTo(read.Buffer.Start);
        if (header.Length < HeaderBytes || !Begins(header))
            return null;
        return new(Channels: null, BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(HeightAt)), BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(WidthAt)));
    }

    public override bool Begins(ReadOnlySpan<byte> start) => start is [0x89, (byte)'P', (byte)'N', (byte)'G', ..];

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
