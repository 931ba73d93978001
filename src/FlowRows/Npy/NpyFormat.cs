using System.Buffers;
using System.IO.Pipelines;
using FlowCore;
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

    public override async ValueTask<ShownImages?> ImagesAsync(PipeReader body, bool channelsLast, CancellationToken cancellation)
    {
        try
        {
            byte[] start = await PeekAsync(body, NpyHeader.StartBytes, cancellation);
            byte[] header = await PeekAsync(body, NpyHeader.LengthOf(start), cancellation);
            return NpyHeader.Parse(header).Shape switch
            {
                [_, var height, var width, var channels] when channelsLast => Images(channels, height, width),
                [_, var channels, var height, var width] when !channelsLast => Images(channels, height, width),
                [_, var height, var width] => Images(1, height, width), // a single channel may be left out
                _ => null,
            };
        }
        catch (FlowException)
        {
            return null; // who reads it says what is wrong
        }
    }

    private static ShownImages? Images(long channels, long height, long width) =>
        Math.Max(channels, Math.Max(height, width)) <= int.MaxValue ? new((int)channels, (int)height, (int)width) : null;

    private static async ValueTask<byte[]> PeekAsync(PipeReader body, int count, CancellationToken cancellation)
    {
        ReadResult read = await body.ReadAtLeastAsync(count, cancellation);
        byte[] bytes = read.Buffer.Slice(0, Math.Min(count, read.Buffer.Length)).ToArray();
        body.AdvanceTo(read.Buffer.Start);
        return bytes;
    }

    public override async ValueTask<RowReader<T>> OpenAsync<T>(PipeReader body, RowSource source, CancellationToken cancellation) =>
        await NpyRowReader<T>.OpenAsync(body, source, cancellation);

    public override AnswerWriter<T> Writer<T>(PipeWriter body, AnswerOptions options) => new NpyAnswerWriter<T>(body, options);
}
