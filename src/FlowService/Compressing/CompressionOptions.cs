using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.Compressing;

/// <summary>The section <c>Compression</c>: which answers are compressed for clients that take it.</summary>
internal sealed class CompressionOptions
{
    public const string Section = "Compression";

    /// <summary>
    /// The size in bytes from which a JSON or CSV answer is compressed where the client's <c>Accept-Encoding</c> names br or gzip (default 65536);
    /// 0 for never. NumPy and Arrow answers never are: the bits of a computed float do not shrink, they grow.
    /// </summary>
    [Within(0L, 1L << 50, ErrorMessage = "Compression:FromBytes must be 0 or more: JSON and CSV answers of this size are compressed, 0 for never (default 65536).")]
    public long FromBytes { get; set; } = 64 << 10;
}

[OptionsValidator]
internal sealed partial class CompressionOptionsValidator : IValidateOptions<CompressionOptions>;
