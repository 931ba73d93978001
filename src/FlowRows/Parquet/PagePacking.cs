using System.IO.Compression;
using K4os.Compression.LZ4;
using ZstdSharp;

namespace FlowRows.Parquet;

/// <summary>Pages decompressed: to as many bytes as their header says, or not at all.</summary>
internal static class PagePacking
{
    // The format's numbers. LZ4 (5) has several readings, and LZO (3) hardly a reader.
    private const int None = 0, Snappy = 1, Gzip = 2, Brotli = 4, Zstd = 6, Lz4Raw = 7;

    /// <exception cref="RowFault">The bytes are damaged, or as many as the header says do not come out of them.</exception>
    public static byte[] Unpacked(ReadOnlySpan<byte> packed, int length, int codec, string column)
    {
        if (codec is < None or > Lz4Raw or 3 or 5)
            throw ParquetFault.Unread(column, $"pages compressed by codec {codec}");
        if (codec == None)
            return packed.Length == length ? packed.ToArray() : throw ParquetFault.Damaged(column, "has a page of another length than it says");
        byte[] bytes = new byte[length];
        try
        {
            int written = length == 0 ? 0 : codec switch
            {
                Snappy => Snappier.Snappy.GetUncompressedLength(packed) == length ? Snappier.Snappy.Decompress(packed, bytes) : -1,
                Gzip => Gunzip(packed, bytes),
                Brotli => BrotliDecoder.TryDecompress(packed, bytes, out int count) ? count : -1,
                Zstd => Unzstd(packed, bytes),
                _ => LZ4Codec.Decode(packed, bytes),
            };
            return written == length ? bytes : throw ParquetFault.Damaged(column, "has a page of another length than it says");
        }
        catch (Exception e) when (e is not (RowFault or OutOfMemoryException))
        {
            throw ParquetFault.Damaged(column, "has a page that cannot be decompressed");
        }
    }

    private static int Gunzip(ReadOnlySpan<byte> packed, byte[] bytes)
    {
        using var gzip = new GZipStream(new MemoryStream(packed.ToArray()), CompressionMode.Decompress);
        int read = gzip.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return gzip.ReadByte() < 0 ? read : -1;
    }

    private static int Unzstd(ReadOnlySpan<byte> packed, byte[] bytes)
    {
        using var decompressor = new Decompressor();
        return decompressor.Unwrap(packed, bytes);
    }
}
