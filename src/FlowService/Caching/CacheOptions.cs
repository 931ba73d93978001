using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.Caching;

/// <summary>The section <c>Cache</c>: the memory of computed answers. Which models use it, <c>Models:Cache</c> says.</summary>
internal sealed class CacheOptions
{
    public const string Section = "Cache";

    /// <summary>The bytes that the cached answers of all models may take together (default 64 MiB). The least recently used make room.</summary>
    [Within(1L << 10, 1L << 40, ErrorMessage = "Cache:Bytes must be 1024 or more: the cached answers of all models take so much together (default 67108864).")]
    public long Bytes { get; set; } = 64 << 20;
}

[OptionsValidator]
internal sealed partial class CacheOptionsValidator : IValidateOptions<CacheOptions>;
