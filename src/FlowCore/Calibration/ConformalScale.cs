namespace FlowCore.Calibration;

/// <summary>
/// The scores of n ordinary rows that no part of the training has seen, and the conformal p-value of another row among them:
/// p = (1 + #{calibration rows at least as strange}) / (n + 1). Of ordinary rows, a share of at most alpha has p &lt;= alpha
/// (Bates, Candès, Lei, Romano, Sesia 2021, "Testing for outliers with conformal p-values", arXiv 2104.08279).
/// Scores are rounded to 1e-4 before they are compared, since the same row in another batch differs in its last digits; a tie counts as
/// at least as strange.
/// </summary>
public sealed class ConformalScale
{
    /// <summary>What scores are rounded to, in decimal digits.</summary>
    public const int Digits = 4;

    // A score beyond all others, or none at all (NaN), is as strange as any.
    private const double Strangest = double.MaxValue;

    private readonly double[] strangeness;

    /// <param name="kind">What the scores are.</param>
    /// <param name="scores">The scores of the calibration rows, in any order; they are copied.</param>
    /// <exception cref="FlowException">There is none.</exception>
    public ConformalScale(ScoreKind kind, ReadOnlySpan<double> scores)
    {
        if (scores.IsEmpty)
            throw new FlowException("a calibration needs at least one row");
        Kind = kind;
        strangeness = new double[scores.Length];
        for (int i = 0; i < scores.Length; i++)
            strangeness[i] = StrangenessOf(scores[i]);
        Array.Sort(strangeness);
    }

    /// <summary>What the scores are.</summary>
    public ScoreKind Kind { get; }

    private bool IsLowStrange => Kind != ScoreKind.LatentNorm2;

    /// <summary>n, the number of calibration rows.</summary>
    public int Count => strangeness.Length;

    /// <summary>The smallest p-value that there can be, 1 / (n + 1).</summary>
    public double LeastPValue => 1.0 / (Count + 1);

    /// <summary>The least number of calibration rows with which some row can have p &lt;= alpha: ceil(1 / alpha) - 1.</summary>
    public static long LeastCount(double alpha) => Math.Max(1, (long)Math.Ceiling(1 / alpha - 1e-9) - 1);

    /// <summary>1 + the number of calibration rows at least as strange as a row with this score: 1..n + 1.</summary>
    public int RankOf(double score) => 1 + strangeness.Length - CountBelow(StrangenessOf(score));

    /// <summary>The numbers of calibration rows that are stranger than a row with this score, and that are at least as strange.</summary>
    public (int Stranger, int AtLeast) StrangerThan(double score)
    {
        double value = StrangenessOf(score);
        return (strangeness.Length - CountBelow(Math.BitIncrement(value)), strangeness.Length - CountBelow(value));
    }

    /// <summary>The p-value of a rank that <see cref="RankOf"/> gave.</summary>
    public double PValueOf(int rank) => (double)rank / (Count + 1);

    /// <summary>The p-value of a row with this score, in [1 / (n + 1), 1].</summary>
    public double PValue(double score) => PValueOf(RankOf(score));

    /// <summary>The scores as files hold them: rounded, finite and ascending.</summary>
    public double[] Scores()
    {
        double[] scores = Array.ConvertAll(strangeness, value => IsLowStrange ? -value : value);
        Array.Sort(scores);
        return scores;
    }

    private int CountBelow(double value)
    {
        int low = 0, high = strangeness.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (strangeness[middle] < value)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private double StrangenessOf(double score)
    {
        if (double.IsNaN(score))
            return Strangest;
        double rounded = Math.Abs(score) < 1e11 ? Math.Round(score, Digits) : score;
        return Math.Clamp(IsLowStrange ? -rounded : rounded, -Strangest, Strangest);
    }
}
