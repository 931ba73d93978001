namespace FlowService.Sources;

/// <summary>Models cannot be had from a source; the message says why, and what to do where that is known.</summary>
internal sealed class SourceException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether whole bytes came that are not those which were announced.</summary>
    public bool IsDamage { get; init; }
}
