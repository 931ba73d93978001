using System.IO.Compression;

namespace FlowRows;

/// <summary>
/// Compressed bytes, whole or not at all. The programs set the runtime's switch System.IO.Compression.UseStrictValidation, by which a stream that
/// is cut short anywhere, and be it in its checksum, fails (InvalidDataException) where it would seem to end there; a stream that was flushed and
/// never finished is cut short too.
/// </summary>
internal static class Compression
{
    public const string Extension = ".gz";

    private static ReadOnlySpan<byte> GzipMark => [0x1F, 0x8B];

    /// <summary>Whether bytes begin as gzip does.</summary>
    public static bool IsGzip(ReadOnlySpan<byte> start) => start.StartsWith(GzipMark);

    /// <summary>The refusal of what cannot be decompressed.</summary>
    public static RowFault Refused(Exception e) => new(RowFaultKind.InvalidBody,
        $"the body cannot be decompressed: {e.Message.TrimEnd('.')}; it is damaged, or was cut short");

    public static Stream Reader(Stream compressed) => new GZipStream(compressed, CompressionMode.Decompress);

    public static Stream Writer(Stream compressed) => new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true);
}
