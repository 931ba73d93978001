namespace FlowCore.Training;

/// <summary>
/// Rows to learn from, rows to stop by, and rows that are looked at once, at the end. <see cref="TestRows"/> are the positions of
/// the test rows in the whole table.
/// </summary>
public sealed record DataSplit(Table Train, Table Validation, Table Test, int[] TestRows)
{
    public const int FewestRows = 20;

    /// <summary>What is wrong with so few rows; null where there are enough.</summary>
    public static string? TooFew(int rows) =>
        rows < FewestRows ? $"{rows} {(rows == 1 ? "row is" : "rows are")} too few to train on: at least {FewestRows} are needed" : null;

    /// <summary>Shuffles the rows by a seed and cuts them: the same seed and table give the same split everywhere.</summary>
    /// <param name="table">All rows.</param>
    /// <param name="seed">Which shuffle.</param>
    /// <param name="validationShare">The share of the rows, in (0, 1), that decides when to stop.</param>
    /// <param name="testShare">The share of the rows, in [0, 1), that is held out to the end.</param>
    public static DataSplit By(Table table, ulong seed, double validationShare = 0.15, double testShare = 0.15)
    {
        if (TooFew(table.Rows) is { } fault)
            throw new RowException(fault);
        if (!(validationShare > 0 && testShare >= 0 && validationShare + testShare < 1))
            throw new RowException($"shares of {validationShare} for validation and {testShare} for test leave nothing to train on");
        int[] order = RowOrder.First(table.Rows);
        RowOrder.Shuffle(order, seed, epoch: 0);
        int test = (int)Math.Round(table.Rows * testShare);
        int validation = Math.Max(1, (int)Math.Round(table.Rows * validationShare));
        return new(
            table.Take(order.AsSpan(test + validation)),
            table.Take(order.AsSpan(test, validation)),
            table.Take(order.AsSpan(0, test)),
            order[..test]);
    }
}
