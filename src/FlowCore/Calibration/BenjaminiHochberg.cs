namespace FlowCore.Calibration;

/// <summary>
/// Benjamini-Hochberg q-values (1995): of the rows with q &lt;= a, a share of at most a is ordinary, on average. Valid for
/// conformal p-values (Bates et al. 2021, arXiv 2104.08279). Conformal p-values have no more than n + 1 values, so that the number of rows with
/// each of them is all that has to be remembered, however many rows there are.
/// </summary>
/// <param name="calibrationRows">n, the number of calibration rows behind the p-values.</param>
public sealed class BenjaminiHochberg(int calibrationRows)
{
    private readonly long[] rows = new long[calibrationRows + 2];

    /// <summary>m, the number of rows counted so far.</summary>
    public long Rows { get; private set; }

    /// <summary>Counts a row whose p-value is rank / (n + 1), for a rank in 1..n + 1.</summary>
    public void Add(int rank)
    {
        rows[rank]++;
        Rows++;
    }

    /// <summary>The q-value of each rank, all rows being counted: the least m * p / #{rows with a p-value of at most p} over all p from its own on.</summary>
    public double[] QValues()
    {
        var values = new double[rows.Length];
        double least = 1;
        long atMost = Rows;
        for (int rank = rows.Length - 1; rank > 0; rank--)
        {
            if (rows[rank] > 0)
                least = Math.Min(least, (double)rank / (rows.Length - 1) * Rows / atMost);
            values[rank] = least;
            atMost -= rows[rank];
        }
        return values;
    }
}
