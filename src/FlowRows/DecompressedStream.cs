using System.IO.Compression;

namespace FlowRows;

/// <summary>
/// Compressed bytes, whole or not at all, and nothing else behind them. The programs set the runtime's switch
/// System.IO.Compression.UseStrictValidation, by which a stream that is cut short anywhere, and be it in its checksum, fails where it
/// would seem to end there; a stream that was flushed and never finished is cut short too.
/// </summary>
internal sealed class DecompressedStream : AsyncReadStream
{
    private readonly LastByteStream bytes;
    private readonly Stream decoder;

    public DecompressedStream(Stream compressed, Coding coding)
    {
        bytes = new(compressed, coding == Coding.Gzip ? EmptyMember : []);
        decoder = coding switch
        {
            Coding.Gzip => new GZipStream(bytes, CompressionMode.Decompress),
            Coding.Zlib => new ZLibStream(bytes, CompressionMode.Decompress),
            _ => new BrotliStream(bytes, CompressionMode.Decompress),
        };
    }

    // A gzip decoder looks for another member behind each one, and takes whatever else it finds for the end. Where it has nothing else
    // to find it takes this one, which holds nothing.
    private static byte[] EmptyMember => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <exception cref="RowFault">The bytes are damaged, cut short, or followed by others.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count;
        try
        {
            count = await decoder.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException { Source: "System.IO.Compression.Brotli" })
        {
            throw Refused("it is damaged, or was cut short");
        }
        if (count == 0 && buffer.Length > 0 && !await bytes.IsReadAsync(cancellationToken))
            throw Refused("other bytes follow its end");
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            decoder.Dispose();
        base.Dispose(disposing);
    }

    private static RowFault Refused(string why) => new(RowFaultKind.InvalidBody, $"the body cannot be decompressed: {why}");
}
