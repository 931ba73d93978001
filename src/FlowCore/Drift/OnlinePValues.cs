using FlowCore.Calibration;
using FlowCore.Densities;

namespace FlowCore.Drift;

/// <summary>
/// The p-value of each new row among the calibration rows and the new rows before it, ties broken by chance. As long as all of them are exchangeable, these
/// are independent and uniform, exactly (Vovk, Nouretdinov, Gammerman 2003, "Testing exchangeability on-line"). The p-values of a fixed calibration are not:
/// they share its error, which any test of many rows would find.
/// The rows so far are remembered as counts between a few of the calibration's scores. The next row lies between two of n calibration scores that have
/// c of t rows between them with probability (1 + c) / (n + 1 + t), and so do sums: nothing is lost but the order within a group.
/// </summary>
public sealed class OnlinePValues
{
    private const int MostGroups = 64;

    private readonly ConformalScale scale;
    private readonly long[] weights; // the gaps between calibration scores of each group, the strangest first, and the rows that came into them
    private long total;
    private uint draws;

    /// <param name="scale">The calibration rows' scores.</param>
    public OnlinePValues(ConformalScale scale)
    {
        this.scale = scale;
        weights = new long[Math.Min(MostGroups, scale.Count + 1)];
        for (int gap = 0; gap <= scale.Count; gap++)
            weights[GroupOf(gap)]++;
        total = scale.Count + 1;
    }

    /// <summary>The p-value of a row with this score, in (0, 1); the row is then one of those before the next.</summary>
    public double Next(double score)
    {
        var (tie, inside, _, _) = Philox.At(draws++, 0, 0, 3, 0, 0);
        (int stranger, int atLeast) = scale.StrangerThan(score);
        int group = GroupOf(stranger + (int)(Uniform(tie) * (atLeast - stranger + 1)));
        long below = 0;
        for (int i = 0; i < group; i++)
            below += weights[i];
        double p = (below + Uniform(inside) * weights[group]) / total;
        weights[group]++;
        total++;
        return p;
    }

    private int GroupOf(int gap) => (int)((long)gap * weights.Length / (scale.Count + 1));

    private static double Uniform(uint word) => (word + 0.5) / (1L << 32);
}
