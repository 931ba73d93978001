namespace FlowCore.Drift;

/// <summary>
/// A bet that p-values are not uniform: the Simple Jumper of Vovk, Petej, Nouretdinov, Ahlberg, Carlsson 2021 ("Retrain or not retrain: conformal test
/// martingales for change-point detection"). The capital is divided among bets on low, on high and on no particular p-values, and a hundredth of it
/// changes its bet each time. Where p-values are independent and uniform it is a martingale that starts at 1: it ever reaches C with probability
/// at most 1 / C (Ville 1939).
/// </summary>
public sealed class ConformalMartingale
{
    /// <summary>The rows between two false alarms, on average, at the least.</summary>
    public const double RowsBetweenAlarms = 1e6;

    private const double Jumping = 0.01, MostEvidence = 1e9;

    private double low = 1.0 / 3, none = 1.0 / 3, high = 1.0 / 3, logCapital, evidence;

    /// <summary>The capital as a decimal logarithm: what the change since the beginning is worth.</summary>
    public double Log10Capital => logCapital / Math.Log(10);

    /// <summary>
    /// The sum of what bets would be worth that began with 1 at each row up to now (Shiryaev, Roberts), as a decimal logarithm: a late change shows in it as an early one
    /// does. It reaches A after A rows or more, on average, where nothing changes. No more than 9, so that it comes down again.
    /// </summary>
    public double Log10Evidence => Math.Log10(Math.Max(1, evidence));

    /// <summary>Whether something has changed, or a rare thing has happened: once in <see cref="RowsBetweenAlarms"/> rows on average, or less often.</summary>
    public bool IsAlarm => evidence >= RowsBetweenAlarms;

    /// <summary>Takes the next p-value.</summary>
    public void Add(double p)
    {
        double share = Jumping / 3, tilt = p - 0.5;
        low = (low * (1 - Jumping) + share) * (1 - tilt);
        none = none * (1 - Jumping) + share;
        high = (high * (1 - Jumping) + share) * (1 + tilt);
        double gain = low + none + high;
        (low, none, high) = (low / gain, none / gain, high / gain);
        logCapital += Math.Log(gain);
        evidence = Math.Min((1 + evidence) * gain, MostEvidence);
    }
}
