namespace FlowCli.Pictures;

/// <summary>What one axis shows.</summary>
internal readonly record struct Range(double Low, double High)
{
    private const double Margin = 0.07;

    private static readonly double[] Steps = [1, 2, 5, 10];

    public double Length => High - Low;

    /// <summary>All the values, with a margin.</summary>
    public static Range Around(IEnumerable<double> values)
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        foreach (double value in values)
            (low, high) = (Math.Min(low, value), Math.Max(high, value));
        double margin = Math.Max(high - low, 1e-9) * Margin;
        return new(low - margin, high + margin);
    }

    /// <summary>About <paramref name="count"/> round numbers inside, steps of 1, 2 or 5 times a power of ten.</summary>
    public IEnumerable<double> Ticks(int count)
    {
        double rough = Length / count, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = Steps.Select(digit => digit * power).First(candidate => candidate >= rough * (1 - 1e-9));
        for (long i = (long)Math.Ceiling(Low / step); i * step <= High; i++)
            yield return Math.Round(i * step, 10);
    }
}
