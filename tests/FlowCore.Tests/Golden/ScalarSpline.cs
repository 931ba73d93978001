namespace FlowCore.Tests.Golden;

/// <summary>The rational-quadratic spline of nflows and normflows, number by number, straight from its formulae.</summary>
internal static class ScalarSpline
{
    private const double Least = 1e-3;

    /// <summary>y and ln dy/dx of a value inside [lower, upper], with K raw widths, K raw heights and K + 1 raw slopes; a NaN slope is 1.</summary>
    public static (double Y, double LogDerivative) At(double x, double[] widths, double[] heights, double[] slopes, double lower, double upper)
    {
        double[] xs = Knots(widths, lower, upper), ys = Knots(heights, lower, upper);
        double[] d = [.. slopes.Select(raw => double.IsNaN(raw) ? 1 : Least + Math.Log(1 + Math.Exp(raw)))];
        int k = 0;
        while (k + 1 < widths.Length && x >= xs[k + 1])
            k++;
        double w = xs[k + 1] - xs[k], h = ys[k + 1] - ys[k], s = h / w, t = (x - xs[k]) / w;
        double denominator = s + (d[k] + d[k + 1] - 2 * s) * t * (1 - t);
        double y = ys[k] + h * (s * t * t + d[k] * t * (1 - t)) / denominator;
        double numerator = s * s * (d[k + 1] * t * t + 2 * s * t * (1 - t) + d[k] * (1 - t) * (1 - t));
        return (y, Math.Log(numerator) - 2 * Math.Log(denominator));
    }

    private static double[] Knots(double[] raw, double lower, double upper)
    {
        double total = raw.Sum(Math.Exp), share = 0;
        var knots = new List<double> { lower };
        foreach (double value in raw)
        {
            share += Least + (1 - Least * raw.Length) * Math.Exp(value) / total;
            knots.Add(lower + (upper - lower) * share);
        }
        knots[^1] = upper;
        return [.. knots];
    }
}
