namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>
/// The coefficients behind <see cref="Elementary.Erf"/>, made once from the error function's own definitions: its Maclaurin series up
/// to 1, and beyond 1 the Chebyshev coefficients of g(u) = x e^(x^2) erfc(x) with x = (3 - u) / (1 + u), u in (-1, 1], where erfc comes
/// from its continued fraction (Abramowitz, Stegun 1964, 7.1.5 and 7.1.14).
/// </summary>
internal static class ErrorFunction
{
    private const int Terms = 24, Nodes = 48, Coefficients = 36;

    private static readonly double[] SeriesCoefficients = MakeSeries(), TailCoefficients = MakeTail();

    /// <summary>erf(x) = x sum_n series[n] x^(2n) for |x| up to 1.</summary>
    public static ReadOnlySpan<double> Series => SeriesCoefficients;

    /// <summary>x e^(x^2) erfc(x) = sum_n tail[n] T_n(4 / (x + 1) - 1) for x of 1 and more.</summary>
    public static ReadOnlySpan<double> Tail => TailCoefficients;

    private static double[] MakeSeries()
    {
        var series = new double[Terms];
        double factor = 2 / Math.Sqrt(Math.PI);
        for (int n = 0; n < Terms; n++)
        {
            series[n] = factor / (2 * n + 1);
            factor /= -(n + 1);
        }
        return series;
    }

    private static double[] MakeTail()
    {
        var coefficients = new double[Coefficients];
        for (int k = 0; k < Nodes; k++)
        {
            double angle = Math.PI * (k + 0.5) / Nodes, u = Math.Cos(angle), value = Scaled((3 - u) / (1 + u));
            for (int n = 0; n < Coefficients; n++)
                coefficients[n] += (n == 0 ? 1.0 : 2.0) / Nodes * value * Math.Cos(n * angle);
        }
        return coefficients;
    }

    // x e^(x^2) erfc(x) by 1 / (x + (1/2) / (x + 1 / (x + (3/2) / (x + ...)))), from the far end.
    private static double Scaled(double x)
    {
        double fraction = x;
        for (int k = 400; k >= 1; k--)
            fraction = x + k / 2.0 / fraction;
        return x / fraction / Math.Sqrt(Math.PI);
    }
}
