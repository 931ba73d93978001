namespace FlowCore.Training;

/// <summary>
/// What a training is stopped and chosen by: the mean over the held-out rows of ln(0.99 p + 0.01 q), where q is a Cauchy density with
/// the training rows' mean and covariance. A mean of ln p would be ruled by a single outlying row, and a median would not see a flow that
/// gives every hundredth row hundreds of nats too few; so mixed, such a row costs what a wide density would give it. A flow must also
/// reach the training rows' Gaussian, in mean and median.
/// </summary>
internal sealed class HeldOutScore
{
    // Products of values: for more a whole covariance takes longer than the training's first steps.
    private const long MostProducts = 3_000_000_000;

    private static readonly double Trusted = Math.Log(0.99), Doubted = Math.Log(0.01);

    private readonly double[] cauchy;
    private readonly double gaussianMean, gaussianMedian;

    /// <param name="train">Rows as the flow sees them, with their contexts.</param>
    /// <param name="heldOut">Those that training does not see.</param>
    /// <param name="spec">The flow.</param>
    public HeldOutScore(Table train, Table heldOut, FlowSpec spec)
    {
        (train, heldOut) = (Details.Of(train, spec), Details.Of(heldOut, spec));
        bool isLarge = (long)train.Rows * spec.Width * spec.Width > MostProducts;
        GaussianBaseline gaussian = GaussianBaseline.Fit(train, spec.Context?.Classes is not null, diagonal: isLarge);
        double[] logProb = gaussian.LogProb(heldOut);
        (gaussianMean, gaussianMedian) = (logProb.Average(), Median.Of(logProb));
        cauchy = gaussian.LogCauchy(heldOut);
    }

    /// <summary>The score of log densities of the held-out rows, in nats a row.</summary>
    public double Of(ReadOnlySpan<double> logProb) => OfRows(logProb).Average();

    /// <summary>The score of each row, of which the whole one is the mean.</summary>
    public double[] OfRows(ReadOnlySpan<double> logProb)
    {
        var scores = new double[logProb.Length];
        for (int row = 0; row < scores.Length; row++)
        {
            double trusted = Trusted + logProb[row], doubted = Doubted + cauchy[row];
            // What is not a number counts as no density.
            scores[row] = double.IsFinite(trusted) ? Math.Max(trusted, doubted) + Math.Log(1 + Math.Exp(-Math.Abs(trusted - doubted))) : doubted;
        }
        return scores;
    }

    /// <summary>How far their mean or their median lies below the Gaussian's, whichever more, in nats a row; 0 or less where neither does.</summary>
    public double BelowGaussian(double[] logProb) => Math.Max(gaussianMean - logProb.Average(), gaussianMedian - Median.Of(logProb));
}
