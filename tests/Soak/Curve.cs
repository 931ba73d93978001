namespace Soak;

/// <summary>A quantity of the service over time, and whether it grows for certain.</summary>
/// <param name="name">What it is.</param>
/// <param name="tolerance">The growth over the whole campaign that is none.</param>
internal sealed class Curve(string name, double tolerance)
{
    // Of Kendall's test, in deviations: by chance alone once in some thousand campaigns.
    private const double Certain = 3.3;

    private readonly List<double> values = [];

    public string Name => name;

    public void Add(double value) => values.Add(value);

    /// <summary>The median slope between pairs of values (Theil and Sen), over what was seen after warming up, as growth over that time.</summary>
    public double Growth
    {
        get
        {
            double[] settled = Settled();
            double[] slopes = [.. from i in Enumerable.Range(0, settled.Length) from j in Enumerable.Range(i + 1, settled.Length - i - 1) select (settled[j] - settled[i]) / (j - i)];
            return slopes.Length == 0 ? 0 : slopes.Order().ElementAt(slopes.Length / 2) * (settled.Length - 1);
        }
    }

    /// <summary>Whether it grows by more than the tolerance, and goes up so steadily that chance does not do it (Mann and Kendall).</summary>
    public bool Leaks => Growth > tolerance && Kendall() > Certain;

    public override string ToString() =>
        FormattableString.Invariant($"{name,-12} {values.FirstOrDefault(),10:N0} -> {values.LastOrDefault(),10:N0}   grows by {Growth,9:N1} (of {tolerance:N0})   z {Kendall(),5:F1}   {(Leaks ? "LEAKS" : "steady")}");

    // The first third is warming up; a value of each of 200 spans is enough for a slope.
    private double[] Settled()
    {
        double[] rest = [.. values.Skip(values.Count / 3)];
        int step = Math.Max(1, rest.Length / 200);
        return [.. rest.Where((_, i) => i % step == 0)];
    }

    private double Kendall()
    {
        double[] settled = Settled();
        double n = settled.Length, score = 0;
        for (int i = 0; i < settled.Length; i++)
            for (int j = i + 1; j < settled.Length; j++)
                score += Math.Sign(settled[j] - settled[i]);
        double variance = (n * (n - 1) * (2 * n + 5) - settled.GroupBy(value => value).Sum(tie => (double)tie.Count() * (tie.Count() - 1) * (2 * tie.Count() + 5))) / 18;
        return variance > 0 ? score / Math.Sqrt(variance) : 0;
    }
}
