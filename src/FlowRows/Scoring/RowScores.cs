using FlowRows.Buffers;

namespace FlowRows.Scoring;

/// <summary>How strange some rows are, and why.</summary>
/// <param name="Ranks">Of each row: its rank among calibration rows, as <see cref="FlowCore.Calibration.RankScale"/> counts them.</param>
/// <param name="ToExplain">The rows that are to be explained.</param>
internal sealed record RowScores(RowBuffer<int> Ranks, int[] ToExplain) : IDisposable
{
    /// <summary>Why rows are strange; null where nobody asked.</summary>
    public RowReasons? Reasons { get; set; }

    public void Dispose() => Ranks.Dispose();
}
