namespace FlowCore;

/// <summary>The file that holds the weights, and the SHA-256 (hexadecimal) of its bytes.</summary>
public sealed record WeightsRecord(string File, string Sha256);

/// <summary>Where a model came from: <c>flow train</c> and its command, or a foreign library and its version.</summary>
public sealed record Provenance
{
    public required string Source { get; init; }

    public string? Version { get; init; }

    public string? Commit { get; init; }

    public string? Command { get; init; }

    public string? Data { get; init; }

    public string? DataSha256 { get; init; }

    public DateTimeOffset? Created { get; init; }
}
