using FlowRows.Buffers;

namespace FlowRows.Scoring;

/// <summary>How strange some rows are, and why.</summary>
/// <param name="Ranks">Of each row: 1 + the number of calibration rows at least as strange.</param>
/// <param name="ToExplain">The rows that are to be explained.</param>
internal sealed record RowScores(RowBuffer<int> Ranks, int[] ToExplain) : IDisposable
{
    /// <summary>Why rows are strange; null where nobody asked.</summary>
    public RowReasons? Reasons { get; set; }

    public void Dispose() => Ranks.Dispose();
}
