namespace FlowService.Sources;

/// <summary>A version that a source has.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">Its number; null where it takes the next one that is free.</param>
/// <param name="Identity">Differs where the source's files differ.</param>
/// <param name="Files">Its files.</param>
internal sealed record SourceVersion(string Model, int? Version, string Identity, IReadOnlyList<SourceFile> Files);

/// <summary>A file of it.</summary>
/// <param name="Name">Its name in the version's folder.</param>
/// <param name="Expected">What the source says of its bytes.</param>
/// <param name="OpenAsync">Opens its bytes, once.</param>
internal sealed record SourceFile(string Name, ExpectedBytes Expected, Func<CancellationToken, Task<Stream>> OpenAsync);

/// <summary>What is known of bytes before they come.</summary>
/// <param name="Length">Their number, or null.</param>
/// <param name="Sha256">Their SHA-256 in lower-case hexadecimal digits, or null.</param>
/// <param name="GitBlob">The name that git gives them, or null.</param>
internal sealed record ExpectedBytes(long? Length = null, string? Sha256 = null, string? GitBlob = null);
