using System.Runtime.Intrinsics;

namespace FlowCore.Training;

/// <summary>
/// N(mean, covariance) with the maximum-likelihood mean and full covariance of some rows: what a flow must beat. For conditional
/// rows it is the joint Gaussian of contexts and rows divided by the contexts' own, p(x | c) = N(c, x) / N(c): linear regression
/// on the context, a class being one-hot, with a covariance of the residuals that is the same everywhere. In float64, without
/// libtorch.
/// </summary>
public sealed class GaussianBaseline
{
    private readonly ContextCode code;
    private readonly double[] mean;
    private readonly double[] factor; // lower Cholesky factor of the covariance, contexts first, row-major

    private GaussianBaseline(ContextCode code, double[] mean, double[] factor, double ridge, double shrinkage) =>
        (this.code, this.mean, this.factor, Ridge, Shrinkage) = (code, mean, factor, ridge, shrinkage);

    /// <summary>What had to be added to the diagonal of the correlation matrix to make it positive definite; 0 where nothing.</summary>
    public double Ridge { get; }

    /// <summary>How far the correlations were drawn towards 0, since the rows are few for so many columns; 0 where they were not.</summary>
    public double Shrinkage { get; }

    /// <param name="rows">The rows, and their contexts where they have some.</param>
    /// <param name="byClass">Whether the context is a class.</param>
    /// <param name="diagonal">Whether to know of the columns' own spreads alone.</param>
    /// <param name="threads">The cores to compute on; the fit does not depend on it.</param>
    public static GaussianBaseline Fit(Table rows, bool byClass = false, bool diagonal = false, int threads = 1)
    {
        ContextCode code = ContextCode.Of(rows.Context, byClass);
        Table table = code.InFront(rows);
        int width = table.Width;
        ColumnFacts[] facts = ColumnFacts.Of(table);
        double[] mean = [.. facts.Select(column => column.Mean)];
        double[] scale = [.. facts.Select(column => column.Deviation > 0 ? column.Deviation : 1)];
        double[] correlation = diagonal ? Identity(width) : Covariances.Correlation(table, mean, scale, threads);
        double shrinkage = !diagonal && Covariances.AreFew(table.Rows, width) ? Covariances.Shrink(correlation, table, mean, scale) : 0;
        for (double ridge = 0; ; ridge = Math.Max(1e-10, ridge * 10))
        {
            if (Triangle.Cholesky(correlation, width, ridge) is not { } factor)
                continue;
            for (int i = 0; i < width; i++)
                for (int j = 0; j <= i; j++)
                    factor[i * width + j] *= scale[i];
            return new GaussianBaseline(code, mean, factor, ridge, shrinkage);
        }
    }

    /// <summary>log p of each row given its context, in nats.</summary>
    public double[] LogProb(Table rows)
    {
        int features = mean.Length - code.Width;
        double constant = -0.5 * features * Math.Log(2 * Math.PI) - LogScale;
        return [.. Distances(rows).Select(square => constant - 0.5 * square)];
    }

    /// <summary>The log density of each row under a Cauchy distribution with the same mean and the same scale matrix, in nats: far out it falls with the logarithm of the distance.</summary>
    public double[] LogCauchy(Table rows)
    {
        int features = mean.Length - code.Width;
        double constant = LogGammaOfHalf(1 + features) - LogGammaOfHalf(1) - 0.5 * features * Math.Log(Math.PI) - LogScale;
        return [.. Distances(rows).Select(square => constant - 0.5 * (1 + features) * Math.Log(1 + square))];
    }

    private static double[] Identity(int width)
    {
        var identity = new double[width * width];
        for (int i = 0; i < width; i++)
            identity[i * width + i] = 1;
        return identity;
    }

    private double LogScale => Enumerable.Range(code.Width, mean.Length - code.Width).Sum(i => Math.Log(factor[i * mean.Length + i]));

    // ln Gamma(n / 2), by Gamma(x + 1) = x Gamma(x).
    private static double LogGammaOfHalf(int n)
    {
        double log = n % 2 == 0 ? 0 : 0.5 * Math.Log(Math.PI);
        for (double x = n % 2 == 0 ? 1 : 0.5; x < n / 2.0 - 0.25; x++)
            log += Math.Log(x);
        return log;
    }

    /// <summary>The squared distance of each row from what its context lets expect, in units of the covariance. A lane for each of eight rows.</summary>
    private double[] Distances(Table rows)
    {
        Table table = code.InFront(rows);
        int width = mean.Length, given = code.Width, lanes = Vector512<double>.Count;
        double[] distances = new double[table.Rows], at = new double[lanes];
        var white = new Vector512<double>[width];
        for (int first = 0; first < table.Rows; first += lanes)
        {
            int count = Math.Min(lanes, table.Rows - first);
            Vector512<double> sum = Vector512<double>.Zero;
            // In the factor's order each value's conditional density given those before it: the contexts' own are left out.
            for (int i = 0; i < width; i++)
            {
                for (int lane = 0; lane < count; lane++)
                    at[lane] = table.Row(first + lane)[i] - mean[i];
                Vector512<double> rest = Vector512.Create(at);
                ReadOnlySpan<double> line = factor.AsSpan(i * width, i + 1);
                for (int j = 0; j < i; j++)
                    rest -= line[j] * white[j];
                white[i] = rest / line[i];
                if (i >= given)
                    sum += white[i] * white[i];
            }
            for (int lane = 0; lane < count; lane++)
                distances[first + lane] = sum[lane];
        }
        return distances;
    }
}
