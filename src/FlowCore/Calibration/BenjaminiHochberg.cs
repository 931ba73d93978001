namespace FlowCore.Calibration;

/// <summary>
/// Benjamini-Hochberg q-values (1995): of the rows with q &lt;= a, a share of at most a is ordinary, on average. Valid for
/// conformal p-values (Bates et al. 2021, arXiv 2104.08279). Conformal p-values have no more than n + 1 values, so that the number of rows with
/// each of them is all that has to be remembered, however many rows there are.
/// </summary>
/// <param name="ranks">The ranks that rows' p-values are counted in.</param>
public sealed class BenjaminiHochberg(RankScale ranks)
{
    private readonly long[] rows = new long[ranks.Count + 1];

    /// <summary>m, the number of rows counted so far.</summary>
    public long Rows { get; private set; }

    /// <summary>Counts a row of a rank.</summary>
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
        int[] falling = [.. Enumerable.Range(1, ranks.Count).OrderByDescending(ranks.PValueOf)];
        for (int i = 0, next; i < falling.Length; i = next)
        {
            double p = ranks.PValueOf(falling[i]);
            long tied = 0;
            for (next = i; next < falling.Length && ranks.PValueOf(falling[next]) == p; next++)
                tied += rows[falling[next]];
            if (tied > 0)
                least = Math.Min(least, p * Rows / atMost);
            foreach (int rank in falling.AsSpan(i, next - i))
                values[rank] = least;
            atMost -= tied;
        }
        return values;
    }
}
