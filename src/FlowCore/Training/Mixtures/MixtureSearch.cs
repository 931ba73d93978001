namespace FlowCore.Training.Mixtures;

/// <summary>A mixture's size: its components, the rows with their common covariance that are added to each, and what stands in front.</summary>
/// <param name="Components">0 where the rows are too few for one.</param>
/// <param name="Prior">So many rows.</param>
/// <param name="HasFront">Whether tails and skew are taken in first (<see cref="Bijections.Elements.ArcsinhElement"/>).</param>
internal readonly record struct MixtureSize(int Components, double Prior, bool HasFront);

/// <summary>
/// The choice of a mixture by what held-out rows gain: mixtures grow until two in a row are no better, of the rows as they are, and of what
/// the front makes of them.
/// </summary>
internal sealed class MixtureSearch
{
    /// <summary>More do not change a mixture.</summary>
    public const int MostRows = 20_000;

    private const int LeastRowsPerComponent = 8;

    // Of the time, for the rows as they are, and for these and those behind the front.
    private const double ShareWithoutFront = 0.1, Share = 0.2;

    // What stands beside the broad component.
    private static readonly int[] Centres = [1, 2, 3, 4, 6, 8, 12, 16, 24];

    // Tried beside as many rows as there are columns.
    private static readonly double[] Priors = [0.1, 0.3, 3];

    private readonly FrontedRows rows, heldOut;
    private readonly Func<double[], double> score;
    private readonly ulong seed;
    private readonly bool hasFront;
    private readonly double shrinkage;
    private MixtureSize best;
    private double bestScore = double.NegativeInfinity, bestMean = double.NegativeInfinity;

    private MixtureSearch(FrontedRows rows, FrontedRows heldOut, Func<double[], double> score, ulong seed, bool hasFront) =>
        (this.rows, this.heldOut, this.score, this.seed, this.hasFront, shrinkage) =
            (rows, heldOut, score, seed, hasFront, Covariances.Shrinkage(rows.Rows));

    /// <param name="train">Rows to fit to, in units of their spread.</param>
    /// <param name="heldOut">Rows to choose by.</param>
    /// <param name="score">What these are worth, given their log densities.</param>
    /// <param name="seed">Where the fits begin.</param>
    /// <param name="spent">The share of the time that is over.</param>
    public static MixtureSize Choose(Table train, Table heldOut, Func<double[], double> score, ulong seed, Func<double> spent)
    {
        Table rows = train.Rows <= MostRows ? train : train.Take(RowOrder.First(MostRows));
        if (rows.Rows < LeastRowsPerComponent)
            return default;
        var plain = new MixtureSearch(FrontedRows.AsTheyAre(rows), FrontedRows.AsTheyAre(heldOut), score, seed, hasFront: false);
        plain.Grow(() => spent() > ShareWithoutFront);
        FrontedRows front = FrontedRows.Fitted(rows);
        var behind = new MixtureSearch(front, front.Alike(heldOut), score, seed, hasFront: true);
        behind.Grow(() => spent() > Share);
        return behind.bestScore > plain.bestScore ? behind.best : plain.best;
    }

    private void Grow(Func<bool> isOver)
    {
        int count = rows.Rows.Rows, width = rows.Rows.Width, worse = 0;
        foreach (int centres in Centres)
        {
            if (count < centres * LeastRowsPerComponent || centres > 1 && (count <= width || isOver()))
                break;
            // With what all components share, and without: mass on a few values has a shape of its own.
            bool isBetter = Try(new(centres == 1 ? 1 : centres + 1, width, hasFront));
            isBetter |= centres > 1 && Try(new(centres + 1, 0, hasFront));
            worse = isBetter ? 0 : worse + 1;
            if (worse == 2)
                break;
        }
        foreach (double factor in best.Prior > 0 && best.Components > 1 ? Priors : [])
            if (!isOver())
                Try(best with { Prior = factor * width });
    }

    private bool Try(MixtureSize size)
    {
        double[] logProb = heldOut.InUnits(MixtureFlow.Fit(rows.Rows, size.Components, size.Prior, seed, shrinkage).LogProb(heldOut.Rows));
        double reached = score(logProb), mean = logProb.Average();
        // A component with the shape of a few rows alone can cost others a lot: then every row has its say.
        bool isBetter = reached > bestScore && (size.Prior > 0 || mean > bestMean);
        if (isBetter)
            (best, bestScore, bestMean) = (size, reached, mean);
        return isBetter;
    }
}
