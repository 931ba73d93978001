namespace FlowCore.Drift;

/// <summary>
/// Which of two models gives rows the higher density: the mean of paired differences of log densities, in nats, with an interval that is right at all times together, however
/// often it is looked at and whenever somebody stops: a confidence sequence. Differences of log densities have no bound, and one row may differ by thousands of nats:
/// each counts for at most <see cref="Most"/> nats either way, and the interval is for the mean of these. It assumes nothing of their distribution, nor that it
/// stays the same: with probability 1 - alpha it always holds the mean of the differences' expectations up to then, each given those before it.
/// Howard, Ramdas, McAuliffe, Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences" (arXiv 1810.08240): the empirical-Bernstein
/// sequence (theorem 4) with the polynomial stitched boundary (theorem 1) for gamma exponential families, eta = 2, s = 1.4.
/// </summary>
/// <param name="alpha">The probability that the interval is ever wrong.</param>
public sealed class DifferenceSequence(double alpha)
{
    /// <summary>The most nats that one row counts for.</summary>
    public const double Most = 3;

    private const double Range = 2 * Most, Exponent = 1.4, Zeta = 3.1055472779775810; // zeta(1.4)
    private static readonly double
        K1 = (Math.Pow(2, 0.25) + Math.Pow(2, -0.25)) / Math.Sqrt(2), K2 = (Math.Sqrt(2) + 1) / 2;

    private double sum, variance;

    /// <summary>The number of rows.</summary>
    public long Rows { get; private set; }

    /// <summary>The mean of the differences; 0 where there is none.</summary>
    public double Mean => Rows == 0 ? 0 : sum / Rows;

    /// <summary>The lower end of the interval.</summary>
    public double Low => Math.Max(Mean - Radius, -Most);

    /// <summary>The upper end of the interval.</summary>
    public double High => Math.Min(Mean + Radius, Most);

    /// <summary>Adds a row by its log density under the one model, and under the other. One that is not finite is as low as any.</summary>
    public void Add(double candidate, double other)
    {
        double difference = (IsNone(candidate), IsNone(other)) switch
        {
            (true, true) => 0,
            (true, false) => -Most,
            (false, true) => Most,
            _ => Math.Clamp(candidate - other, -Most, Most),
        };
        variance += (difference - Mean) * (difference - Mean); // around what was expected before it
        sum += difference;
        Rows++;
    }

    private static bool IsNone(double logProb) => !double.IsFinite(logProb);

    // The boundary is crossed with probability alpha / 2 on either side. Variance counts from 1 on.
    private double Radius
    {
        get
        {
            if (Rows == 0)
                return double.PositiveInfinity;
            double time = Math.Max(variance, 1), log = Exponent * Math.Log(Math.Log2(time) + 1) + Math.Log(Zeta) + Math.Log(2 / alpha);
            double linear = K2 * Range * log;
            return (Math.Sqrt(K1 * K1 * time * log + linear * linear) + linear) / Rows;
        }
    }
}
