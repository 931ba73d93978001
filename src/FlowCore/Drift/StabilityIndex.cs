using FlowCore.Densities;

namespace FlowCore.Drift;

/// <summary>
/// The population stability index of a column: the sum over bins of (a - e) ln(a / e), where a and e are the shares of new rows and of reference
/// rows in the bin. 0 where they agree. Half a row is added to each bin, so that an empty one counts, and is finite.
/// </summary>
public static class StabilityIndex
{
    private const double Added = 0.5;

    /// <summary>The index of new rows.</summary>
    /// <param name="bins">The column's bins, with the reference rows in each.</param>
    /// <param name="counts">The new rows in each bin.</param>
    /// <param name="rows">The number of new rows.</param>
    public static double Of(ColumnBins bins, ReadOnlySpan<int> counts, int rows)
    {
        double all = Added * bins.Count, index = 0;
        for (int bin = 0; bin < bins.Count; bin++)
        {
            double now = (counts[bin] + Added) / (rows + all), was = (bins.Reference[bin] + Added) / (bins.Rows + all);
            index += (now - was) * Math.Log(now / was);
        }
        return index;
    }

    /// <summary>
    /// The value that the index of unchanged rows exceeds with probability <paramref name="rate"/>. Of N new and R reference rows in B bins
    /// the index is about (1/N + 1/R) times a chi-squared with B - 1 degrees of freedom (Yurdakul 2018, "Statistical properties of the population stability
    /// index"), whose quantile is Wilson's and Hilferty's (1931). So small windows and small calibrations have higher limits.
    /// </summary>
    public static double Limit(ColumnBins bins, int rows, double rate)
    {
        double degrees = bins.Count - 1, spread = 2 / (9 * degrees);
        double quantile = degrees * Math.Pow(1 - spread + NormalQuantile.At(1 - rate) * Math.Sqrt(spread), 3);
        return (1.0 / rows + 1.0 / bins.Rows) * quantile;
    }
}
