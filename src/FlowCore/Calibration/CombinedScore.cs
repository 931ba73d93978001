namespace FlowCore.Calibration;

/// <summary>
/// The log density and the nearness to training rows together: asinh(u) + asinh(v), where u and v are their distances from the calibration
/// rows' medians, in units of the distance from the median to the tenth part. Neither of the two is the better one on every table; so
/// joined, a row that one of them finds very strange is strange, and one that both find a little strange is, too.
/// </summary>
public sealed class CombinedScore
{
    private readonly (double Median, double Scale) logProb, kernel;

    /// <param name="logProb">The calibration rows' log densities, ascending.</param>
    /// <param name="kernel">Their nearness, ascending.</param>
    public CombinedScore(double[] logProb, double[] kernel) => (this.logProb, this.kernel) = (Middle(logProb), Middle(kernel));

    /// <summary>The score of a row, by its log density and its nearness; NaN where either is NaN.</summary>
    public double Of(double logProb, double kernel) => Bent(logProb, this.logProb) + Bent(kernel, this.kernel);

    private static double Bent(double value, (double Median, double Scale) at) => Math.Asinh((value - at.Median) / at.Scale);

    private static (double Median, double Scale) Middle(double[] ascending)
    {
        double median = ascending[ascending.Length / 2], tenth = ascending[ascending.Length / 10];
        return (median, Math.Max(median - tenth, 1e-9 * (1 + Math.Abs(median))));
    }
}
