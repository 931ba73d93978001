namespace FlowCore.Calibration;

/// <summary>
/// The ranks of rows among calibration rows, as one number for each p-value: 1 to n + 1 of whole rows, which n are compared with, and
/// behind them n + 2 to n + m + 2 of rows that lack values, which m are.
/// </summary>
/// <param name="Whole">n, at least 1.</param>
/// <param name="Lacking">m; 0 where no row lacks anything.</param>
public readonly record struct RankScale(int Whole, int Lacking = 0)
{
    /// <summary>The number of ranks, the first of which is 1.</summary>
    public int Count => Whole + 1 + (Lacking > 0 ? Lacking + 1 : 0);

    /// <summary>The rank of a row that lacks values, by 1 + the number of calibration rows that are at least as strange.</summary>
    public int OfLacking(int rank) => Whole + 1 + rank;

    /// <summary>The p-value of a rank.</summary>
    public double PValueOf(int rank) => rank <= Whole + 1 ? (double)rank / (Whole + 1) : (double)(rank - Whole - 1) / (Lacking + 1);
}
