using FlowCore.Calibration;

namespace FlowRows.Scoring;

/// <summary>Which rows are explained.</summary>
internal enum Explained
{
    /// <summary>Every row.</summary>
    All,

    /// <summary>The rows whose p-value is at most alpha.</summary>
    Flagged,
}

/// <summary>What happens to a row that lacks a value.</summary>
internal enum Missing
{
    /// <summary>It cannot be read.</summary>
    Refuse,

    /// <summary>Its density is averaged over what the value may have been.</summary>
    Marginalize,
}

/// <summary>What somebody wants to know of rows' scores, as it was sent; what was left out is null.</summary>
internal sealed record ScoreArguments
{
    /// <summary>The share of ordinary rows that may be called anomalies, in (0, 1).</summary>
    public double? Alpha { get; init; }

    public ScoreKind? Score { get; init; }

    /// <summary>The most features that a row is explained by.</summary>
    public int? Top { get; init; }

    public Explained? Explain { get; init; }

    public Missing Missing { get; init; }

    /// <summary>The name of the first argument that was given, or null.</summary>
    public string? Given => Alpha is not null ? "alpha" : Score is not null ? "score" : Top is not null ? "top" : Explain is not null ? "explain"
        : Missing == Missing.Marginalize ? "missing" : null;
}
