namespace FlowCore.Calibration;

/// <summary>
/// Why a row is strange: how far its log density would rise if one feature were an ordinary one. For feature j,
/// A_j = log[(1/K) sum_k p(x with x_j replaced by the k-th draw)] - log p(x) in nats, with K draws of the feature from reference rows. A feature
/// with a large A_j is the one that does not go with the others. Features are replaced one at a time: the A_j do not add up, and two that are
/// strange together hide each other in part. One row takes features * K evaluations of the flow.
/// </summary>
public sealed class LeaveOneOut
{
    /// <summary>K, the number of draws of each feature.</summary>
    public const int Draws = 16;

    private readonly float[][] draws;

    /// <param name="reference">The rows that features are drawn from.</param>
    public LeaveOneOut(ReferenceRows reference)
    {
        draws = new float[reference.Width][];
        for (int column = 0; column < draws.Length; column++)
            draws[column] = reference.DrawColumn(column, Draws);
    }

    /// <summary>The evaluations of the flow that one row takes.</summary>
    public int Evaluations => draws.Length * Draws;

    /// <summary>Writes rows with one feature replaced: those of the evaluations from <paramref name="first"/> on, as many as <paramref name="rows"/> has room for.</summary>
    /// <param name="x">The row.</param>
    /// <param name="first">The first evaluation, in 0..<see cref="Evaluations"/>.</param>
    /// <param name="rows">Flat rows.</param>
    public void Replace<T>(ReadOnlySpan<T> x, int first, Span<T> rows)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < rows.Length / x.Length; i++)
        {
            Span<T> row = rows.Slice(i * x.Length, x.Length);
            x.CopyTo(row);
            int evaluation = first + i;
            row[evaluation / Draws] = T.CreateTruncating(draws[evaluation / Draws][evaluation % Draws]);
        }
    }

    /// <summary>The features of a row that say most about why it is strange, the largest A_j first.</summary>
    /// <param name="logProb">log p of the row.</param>
    /// <param name="replaced">log p of its evaluations, all of them in order.</param>
    /// <param name="top">The most features.</param>
    public Reason[] Explain(double logProb, ReadOnlySpan<double> replaced, int top)
    {
        var reasons = new Reason[draws.Length];
        for (int column = 0; column < reasons.Length; column++)
        {
            ReadOnlySpan<double> each = replaced.Slice(column * Draws, Draws);
            int best = Best(each);
            reasons[column] = new(column, Rise(logProb, LogMean(each, each[best])), draws[column][best]);
        }
        Array.Sort(reasons, static (a, b) => a.Nats != b.Nats ? b.Nats.CompareTo(a.Nats) : a.Column - b.Column);
        return reasons[..Math.Min(top, reasons.Length)];
    }

    private static int Best(ReadOnlySpan<double> logProbs)
    {
        int best = 0;
        for (int i = 1; i < logProbs.Length; i++)
            if (logProbs[i] > logProbs[best] || double.IsNaN(logProbs[best]))
                best = i;
        return best;
    }

    private static double LogMean(ReadOnlySpan<double> logProbs, double highest)
    {
        if (!double.IsFinite(highest))
            return highest;
        double sum = 0;
        foreach (double value in logProbs)
            if (!double.IsNaN(value))
                sum += Math.Exp(value - highest);
        return highest + Math.Log(sum / logProbs.Length);
    }

    // A row of no finite density gains beyond measure by each feature that gives it one, and nothing by the others.
    private static double Rise(double logProb, double replaced) =>
        double.IsFinite(logProb) ? double.IsNaN(replaced) ? double.NegativeInfinity : replaced - logProb
        : double.IsFinite(replaced) ? double.MaxValue : 0;
}

/// <summary>A feature that makes a row strange.</summary>
/// <param name="Column">Which.</param>
/// <param name="Nats">How far the row's log density rises, in nats, where an ordinary value stands for its own.</param>
/// <param name="Expected">The value among the draws that goes best with the others.</param>
public readonly record struct Reason(int Column, double Nats, float Expected);
