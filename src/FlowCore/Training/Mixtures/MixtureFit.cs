namespace FlowCore.Training.Mixtures;

/// <summary>
/// A mixture of normals with full covariances, fitted to rows by expectation-maximisation (Dempster, Laird, Rubin 1977, "Maximum
/// likelihood from incomplete data via the EM algorithm") from centres that lie far apart (Arthur, Vassilvitskii 2007,
/// "k-means++"). In float64; the same rows and seed give the same mixture.
/// </summary>
internal sealed class MixtureFit
{
    // What the variances are enlarged by, of rows in units of their spread, so that no component shrinks to a point; with the rows' own
    // correlations, so that it may be as thin as they are where columns nearly add up, unless nothing bounds what a row costs that breaks
    // them. No variance is less than float32 can tell from 0.
    private const double Ridge = 1e-6, LeastVariance = 1e-10, Settled = 1e-4, LeastShare = 1e-8;

    // How much larger the broad component's variances are than the rows': a row that breaks what all others obey has a density yet.
    private const double Wider = 1;

    private const int MostRounds = 100, LloydRounds = 5;

    // A line of products stays in the nearest cache while those of so many rows are added to it, in their order.
    private const int Together = 16;

    private readonly int width;
    private readonly double broad, shrinkage;
    private readonly double[] means, factors, logPeaks; // factors: lower triangles P with covariance (P^T P)^-1, row-major
    private readonly double[] whole; // the covariance of all rows

    private MixtureFit(Table rows, int components, double broad, double shrinkage)
    {
        (Components, width, this.broad, this.shrinkage) = (components, rows.Width, broad, shrinkage);
        (means, factors, whole) = (new double[components * width], new double[components * width * width], new double[width * width]);
        (LogWeights, logPeaks) = (new double[components], new double[components]);
        double[] all = new double[rows.Rows * components];
        Array.Fill(all, 1);
        double total = Scatter(rows, all, components - 1, whole);
        foreach (ref double value in whole.AsSpan())
            value /= total;
    }

    public int Components { get; }

    /// <summary>ln of each component's weight.</summary>
    public double[] LogWeights { get; }

    /// <summary>Component by component.</summary>
    public ReadOnlySpan<double> Means => means;

    /// <summary>The lower triangle P of each component, whose covariance is (P^T P)^-1, row by row.</summary>
    public ReadOnlySpan<double> Factors => factors;

    /// <summary>The numbers that were fitted.</summary>
    public int Parameters => Components * (1 + width + width * (width + 1) / 2) - 1;

    /// <summary>Fits so many components, or fewer where rows do not fill as many.</summary>
    /// <param name="rows">Rows in units of their spread.</param>
    /// <param name="components">How many.</param>
    /// <param name="prior">So many rows with the covariance that components have in common are added to each: what a component's own rows are too few to say.</param>
    /// <param name="seed">Which centres it begins with.</param>
    /// <param name="broad">
    /// The least weight of a last component that keeps the mean of all rows and a covariance a little wider than theirs, so that a row which no
    /// other component knows costs a bounded number of nats against the rows' Gaussian (a defensive mixture, Hesterberg 1995, "Weighted
    /// average importance sampling and defensive mixture distributions"); 0 for none.
    /// </param>
    /// <param name="shrinkage">The share by which what columns have in common is drawn towards 0.</param>
    public static MixtureFit Of(Table rows, int components, double prior, ulong seed, double broad = 0, double shrinkage = 0)
    {
        int centres = broad > 0 ? components - 1 : components;
        int[] nearest = Centres.Assign(rows, centres, new Random((int)(seed % int.MaxValue)), LloydRounds);
        var shares = new double[rows.Rows * components];
        for (int row = 0; row < rows.Rows; row++)
        {
            shares[row * components + nearest[row]] = 1 - broad;
            if (broad > 0)
                shares[row * components + centres] = broad;
        }
        var fit = new MixtureFit(rows, components, broad, shrinkage);
        if (broad > 0)
            fit.SetBroad();
        double before = double.NegativeInfinity;
        for (int round = 0; round < MostRounds; round++)
        {
            fit.Maximise(rows, shares, prior);
            double mean = fit.Expect(rows, shares);
            if (mean - before < Settled || components == 1)
                break;
            before = mean;
        }
        return fit;
    }

    /// <summary>The log density of each row, in nats.</summary>
    public double[] LogProb(Table rows)
    {
        var logProb = new double[rows.Rows];
        Span<double> each = stackalloc double[Components];
        var offset = new double[width];
        for (int row = 0; row < logProb.Length; row++)
            logProb[row] = LogProb(rows.Row(row), each, offset);
        return logProb;
    }

    /// <summary>The mean log density; each row's shares of the components are written.</summary>
    private double Expect(Table rows, double[] shares)
    {
        double sum = 0;
        var offset = new double[width];
        for (int row = 0; row < rows.Rows; row++)
        {
            Span<double> each = shares.AsSpan(row * Components, Components);
            double whole = LogProb(rows.Row(row), each, offset);
            sum += whole;
            foreach (ref double share in each)
                share = Math.Exp(share - whole);
        }
        return sum / rows.Rows;
    }

    private double LogProb(ReadOnlySpan<double> row, Span<double> each, double[] offset)
    {
        double most = double.NegativeInfinity, sum = 0;
        for (int m = 0; m < Components; m++)
        {
            ReadOnlySpan<double> mean = means.AsSpan(m * width, width), factor = factors.AsSpan(m * width * width, width * width);
            for (int i = 0; i < width; i++)
                offset[i] = row[i] - mean[i];
            double squares = 0;
            for (int i = 0; i < width; i++)
            {
                double unit = Sums.Dot(factor.Slice(i * width, i + 1), offset);
                squares += unit * unit;
            }
            each[m] = logPeaks[m] - 0.5 * squares;
            most = Math.Max(most, each[m]);
        }
        if (double.IsNegativeInfinity(most))
            return most;
        foreach (double value in each)
            sum += Math.Exp(value - most);
        return most + Math.Log(sum);
    }

    private void Maximise(Table rows, double[] shares, double prior)
    {
        int square = width * width;
        double[] scatter = new double[Components * square], pooled = new double[square], covariance = new double[square], totals = new double[Components];
        int free = broad > 0 ? Components - 1 : Components;
        for (int m = 0; m < free; m++)
            totals[m] = Scatter(rows, shares, m, scatter.AsSpan(m * square, square));
        double known = totals.Sum(), rest = broad > 0 ? Math.Max(broad, 1 - known / rows.Rows) : 0;
        for (int m = 0; m < free; m++)
            LogWeights[m] = Math.Log(Math.Max(totals[m], 1e-300) / known * (1 - rest));
        for (int i = 0; i < scatter.Length; i++)
            pooled[i % square] += scatter[i] / known;
        for (int m = 0; m < free; m++)
        {
            for (int i = 0; i < square; i++)
                covariance[i] = totals[m] + prior > LeastShare ? (scatter[m * square + i] + prior * pooled[i]) / (totals[m] + prior) : pooled[i];
            Invert(covariance, m);
        }
        if (broad > 0)
        {
            logPeaks[free] += Math.Log(rest) - LogWeights[free];
            LogWeights[free] = Math.Log(rest);
        }
    }

    // Its mean is that of all rows.
    private void SetBroad()
    {
        LogWeights[Components - 1] = Math.Log(broad);
        Invert([.. whole.Select((value, i) => IsVariance(i) ? value * (1 + Wider) : value)], Components - 1);
    }

    private bool IsVariance(int i) => i % (width + 1) == 0;

    /// <summary>Sets a component's mean; the sum of its rows' shares and of the products of their distances from it.</summary>
    private double Scatter(Table rows, double[] shares, int m, Span<double> scatter)
    {
        Span<double> mean = means.AsSpan(m * width, width);
        mean.Clear();
        double total = 0;
        for (int row = 0; row < rows.Rows; row++)
            if (shares[row * Components + m] is var share && share > LeastShare)
            {
                total += share;
                Sums.Add(rows.Row(row), share, mean);
            }
        foreach (ref double value in mean)
            value /= Math.Max(total, LeastShare);
        double[] offsets = new double[Together * width], factors = new double[Together];
        for (int row = 0; row < rows.Rows;)
        {
            int taken = 0;
            for (; row < rows.Rows && taken < Together; row++)
                if (shares[row * Components + m] is var share && share > LeastShare)
                {
                    ReadOnlySpan<double> values = rows.Row(row);
                    for (int i = 0; i < width; i++)
                        offsets[taken * width + i] = values[i] - mean[i];
                    factors[taken++] = share;
                }
            for (int i = 0; i < width; i++)
                for (int each = 0; each < taken; each++)
                    Sums.Add(offsets.AsSpan(each * width, i + 1), factors[each] * offsets[each * width + i], scatter.Slice(i * width, i + 1));
        }
        return total;
    }

    // P = L^-1 of the Cholesky factor L.
    private void Invert(double[] covariance, int m)
    {
        bool isBounded = broad > 0 || Components == 1;
        for (int i = 0; i < covariance.Length; i++)
        {
            double units = Math.Sqrt(whole[i / width * (width + 1)] * whole[i % width * (width + 1)]);
            covariance[i] += IsVariance(i) ? Ridge : units > 0 && isBounded ? Ridge * whole[i] / units : 0;
            if (!IsVariance(i))
                covariance[i] *= 1 - shrinkage;
        }
        double[] lower = Triangle.Cholesky(covariance, width, LeastVariance)
            ?? Triangle.Cholesky(covariance, width, 1)!; // rounding alone can make a pivot negative
        Span<double> factor = factors.AsSpan(m * width * width, width * width);
        Triangle.Invert(lower, width, factor);
        double logDet = 0;
        for (int i = 0; i < width; i++)
            logDet += Math.Log(factor[i * width + i]);
        logPeaks[m] = LogWeights[m] + logDet - 0.5 * width * Math.Log(2 * Math.PI);
    }
}
