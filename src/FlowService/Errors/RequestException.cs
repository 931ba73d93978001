namespace FlowService.Errors;

/// <summary>A request that is refused: what is wrong with it, where, and the remedy, in words for the client.</summary>
internal sealed class RequestException(ProblemKind kind, string detail) : Exception(detail)
{
    public ProblemKind Kind { get; } = kind;

    /// <summary>The field of the request that is at fault.</summary>
    public string? Field { get; init; }

    /// <summary>The row at fault, counted from 0.</summary>
    public long? Row { get; init; }

    /// <summary>The column at fault, counted from 0.</summary>
    public int? Column { get; init; }

    /// <summary>The seconds after which the same request may be accepted.</summary>
    public int? RetryAfter { get; init; }
}
