namespace FlowService.Sources;

/// <summary>A version that a source has.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">Its number; null where it takes the next one that is free.</param>
/// <param name="Identity">Differs where the source's files differ.</param>
/// <param name="Files">Its files; none where they were had before, and are not kept.</param>
internal sealed record SourceVersion(string Model, int? Version, string Identity, IReadOnlyList<SourceFile> Files);

/// <summary>A file of it.</summary>
/// <param name="Name">Its name in the version's folder.</param>
/// <param name="Expected">What the source says of its bytes.</param>
/// <param name="OpenAsync">Opens its bytes, once. Where their tag is the given one there need be none.</param>
internal sealed record SourceFile(string Name, ExpectedBytes Expected, Func<string?, CancellationToken, Task<OpenFile>> OpenAsync);

/// <summary>A file that is being read.</summary>
/// <param name="Bytes">Its bytes.</param>
/// <param name="Tag">Differs where they do, as the server says; null where it says nothing.</param>
internal sealed record OpenFile(Stream Bytes, string? Tag = null) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Bytes.DisposeAsync();
}

/// <summary>What is known of bytes before they come.</summary>
/// <param name="Length">Their number, or null.</param>
/// <param name="Sha256">Their SHA-256 in lower-case hexadecimal digits, or null.</param>
/// <param name="GitBlob">The name that git gives them, or null.</param>
internal sealed record ExpectedBytes(long? Length = null, string? Sha256 = null, string? GitBlob = null);
