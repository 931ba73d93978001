using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace FlowRows.Arrow;

/// <summary>
/// The bytes of an Arrow stream, each message's metadata verified before a byte of it is passed on: the library that reads them
/// allocates what they claim. A file (Feather 2) is a stream between marks, and is read as one.
/// </summary>
internal sealed class ArrowMessages(PipeReader body, RowLimits limits) : AsyncReadStream
{
    // A schema of a million columns fits; the library's own writers stay far below.
    private const int MostMetadataBytes = 64 << 20;

    private const int MarkBytes = 8;

    private ReadOnlyMemory<byte> pending;
    private long left, read;
    private bool begun, ended, isFile;

    private static ReadOnlySpan<byte> FileMark => "ARROW1"u8;

    /// <summary>Whether bytes begin as a stream or a file does.</summary>
    public static bool Begins(ReadOnlySpan<byte> start) => start.StartsWith(FileMark) || start is [0xFF, 0xFF, 0xFF, 0xFF, ..];

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (pending.IsEmpty && left == 0)
        {
            if (ended)
                return 0;
            await ReadMessageAsync(cancellationToken);
        }
        if (!pending.IsEmpty)
        {
            int count = Math.Min(buffer.Length, pending.Length);
            pending[..count].CopyTo(buffer);
            pending = pending[count..];
            return count;
        }
        ReadResult result = await body.ReadAtLeastAsync(1, cancellationToken);
        int taken = (int)Math.Min(Math.Min(buffer.Length, left), result.Buffer.Length);
        ReadOnlySequence<byte> bytes = result.Buffer.Slice(0, taken);
        bytes.CopyTo(buffer.Span);
        body.AdvanceTo(bytes.End);
        if (taken == 0 && result.IsCompleted)
            throw Ended();
        left -= taken;
        Count(taken);
        return taken;
    }

    private async ValueTask ReadMessageAsync(CancellationToken cancellation)
    {
        byte[]? mark = await BytesAsync(MarkBytes, mayEnd: !isFile, cancellation);
        if (!begun && mark is not null && mark.AsSpan().StartsWith(FileMark))
        {
            (begun, isFile) = (true, true);
            return;
        }
        begun = true;
        if (mark is null)
        {
            ended = true;
            return;
        }
        // Before version 0.15 there was no mark of a message's beginning: its length stood there.
        bool isMarked = BinaryPrimitives.ReadUInt32LittleEndian(mark) == uint.MaxValue;
        int length = BinaryPrimitives.ReadInt32LittleEndian(isMarked ? mark.AsSpan(4) : mark);
        if (length == 0)
        {
            (ended, pending) = (true, mark);
            await CheckEndAsync(cancellation);
            return;
        }
        if (length is < MarkBytes or > MostMetadataBytes)
            throw Damaged($"a message claims {length} bytes of metadata");
        byte[] metadata = await MetadataAsync(isMarked ? [] : mark[4..], length, cancellation);
        long bodyLength = ArrowMetadata.BodyLength(metadata) ?? throw Damaged("the metadata of a message is damaged");
        if (bodyLength > limits.BodyBytes)
            throw BoundedAllocator.TooLarge(bodyLength, limits.BodyBytes);
        left = bodyLength;
        pending = (byte[])[.. isMarked ? mark : mark[..4], .. metadata];
    }

    // In pieces, as they come: the length is a claim until the bytes are there.
    private async ValueTask<byte[]> MetadataAsync(byte[] begun, int length, CancellationToken cancellation)
    {
        const int piece = 1 << 20;
        var bytes = new ArrayBufferWriter<byte>(Math.Min(length, piece));
        bytes.Write(begun);
        while (bytes.WrittenCount < length)
            bytes.Write(await BytesAsync(Math.Min(piece, length - bytes.WrittenCount), mayEnd: false, cancellation));
        return bytes.WrittenSpan.ToArray();
    }

    private async ValueTask<byte[]?> BytesAsync(int count, bool mayEnd, CancellationToken cancellation)
    {
        ReadResult result = await body.ReadAtLeastAsync(count, cancellation);
        if (result.Buffer.Length < count)
        {
            bool isEmpty = result.Buffer.IsEmpty;
            body.AdvanceTo(result.Buffer.End);
            return isEmpty && mayEnd ? null : throw Ended();
        }
        ReadOnlySequence<byte> taken = result.Buffer.Slice(0, count);
        byte[] bytes = taken.ToArray();
        body.AdvanceTo(taken.End);
        Count(count);
        return bytes;
    }

    // Behind a file's last message stand its table of contents and the mark again, which tells a whole file from one cut short.
    private async ValueTask CheckEndAsync(CancellationToken cancellation)
    {
        byte[] last = [];
        while (true)
        {
            ReadResult result = await body.ReadAtLeastAsync(1, cancellation);
            long tail = Math.Max(0, result.Buffer.Length - FileMark.Length);
            last = [.. last.AsSpan(Math.Max(0, last.Length - FileMark.Length)), .. result.Buffer.Slice(tail).ToArray()];
            bool any = !result.Buffer.IsEmpty;
            Count((int)Math.Min(result.Buffer.Length, int.MaxValue));
            body.AdvanceTo(result.Buffer.End);
            if (any && !isFile)
                throw Damaged("the body goes on after the end of the stream");
            if (result.IsCompleted)
                break;
        }
        if (isFile && !last.AsSpan().EndsWith(FileMark))
            throw Ended();
    }

    private void Count(int bytes)
    {
        read += bytes;
        if (read > limits.StreamBytes)
            throw BoundedBody.TooLarge(limits.StreamBytes);
    }

    private static RowFault Ended() => Damaged("it ends within a message: it was cut short");

    private static RowFault Damaged(string why) => new(RowFaultKind.InvalidBody, $"the body is no Arrow stream: {why}");
}
