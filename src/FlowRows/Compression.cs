using System.IO.Compression;

namespace FlowRows;

/// <summary>How bytes are compressed.</summary>
internal enum Coding
{
    /// <summary>RFC 1952: members, one behind the other.</summary>
    Gzip,

    /// <summary>RFC 1950, which HTTP calls deflate.</summary>
    Zlib,

    /// <summary>RFC 7932.</summary>
    Brotli,
}

/// <summary>Compressed files and bodies.</summary>
internal static class Compression
{
    public const string Extension = ".gz";

    private static ReadOnlySpan<byte> GzipMark => [0x1F, 0x8B];

    /// <summary>Whether bytes begin as gzip does.</summary>
    public static bool IsGzip(ReadOnlySpan<byte> start) => start.StartsWith(GzipMark);

    public static Stream Reader(Stream compressed, Coding coding) => new DecompressedStream(compressed, coding);

    public static Stream Writer(Stream compressed) => new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true);
}
