namespace FlowRows;

/// <summary>
/// Bytes, and some others behind them, of which the last one is handed out by itself: a decoder that ends without asking for it has found
/// its end before it, whatever it has read ahead.
/// </summary>
/// <param name="source">The bytes.</param>
/// <param name="behind">What is read behind them.</param>
internal sealed class LastByteStream(Stream source, byte[] behind) : AsyncReadStream
{
    private byte last;
    private bool isHeld, isRead, sourceEnded;
    private int taken;

    /// <summary>Whether all bytes were asked for, or there are none.</summary>
    public async ValueTask<bool> IsReadAsync(CancellationToken cancellation) =>
        isRead || (!isHeld && await ReadAsync(new byte[2], cancellation) == 0);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Length < 2)
            return buffer.IsEmpty ? 0 : throw new ArgumentException("there is no room for the byte held and another one", nameof(buffer));
        while (true)
        {
            int count = await NextAsync(buffer[1..], cancellationToken), given = isHeld ? count : count - 1;
            Span<byte> bytes = buffer.Span;
            if (count == 0)
            {
                bytes[0] = last;
                given = isHeld && !isRead ? 1 : 0;
                isRead = true;
                return given;
            }
            byte held = last;
            last = bytes[count];
            if (isHeld)
                bytes[0] = held;
            else
                bytes[1..(count + 1)].CopyTo(bytes);
            isHeld = true;
            if (given > 0)
                return given;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            source.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask<int> NextAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        int count = sourceEnded ? 0 : await source.ReadAsync(buffer, cancellation);
        sourceEnded |= count == 0;
        if (count > 0)
            return count;
        count = Math.Min(buffer.Length, behind.Length - taken);
        behind.AsMemory(taken, count).CopyTo(buffer);
        taken += count;
        return count;
    }
}
