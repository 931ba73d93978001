namespace FlowBenchmarks.Anomaly;

/// <summary>How well scores, large for normal rows, tell anomalies from them.</summary>
internal sealed record Ranking(double Auroc, double Auprc)
{
    public static Ranking Of(double[] normal, double[] anomalous)
    {
        // From the most anomalous score on; equal scores count as one step.
        var steps = normal.Select(score => (score, anomaly: 0)).Concat(anomalous.Select(score => (score, anomaly: 1)))
            .Select(each => (score: double.IsNaN(each.score) ? double.NegativeInfinity : each.score, each.anomaly))
            .GroupBy(each => each.score).OrderBy(group => group.Key);
        double found = 0, wrong = 0, area = 0, precision = 0;
        foreach (var step in steps)
        {
            double hits = step.Sum(each => each.anomaly), misses = step.Count() - hits;
            area += misses * (found + hits / 2);
            found += hits;
            wrong += misses;
            precision += hits * found / (found + wrong);
        }
        return new(area / normal.Length / anomalous.Length, precision / anomalous.Length);
    }
}
