using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Densities;

/// <summary>
/// The inverse of the standard normal distribution function, to about 1e-16 relative (Wichura 1988, algorithm AS 241, PPND16).
/// It uses +, *, / and the square root alone, which IEEE 754 fixes to the last bit, so that seeded noise is the same on every
/// machine, and on GPUs, whose kernels have its parts; the logarithm of the tails is built from them too.
/// </summary>
public static class NormalQuantile
{
    /// <summary>x with P(N(0, 1) &lt;= x) = p, for p in (0, 1).</summary>
    public static double At(double p)
    {
        double q = p - 0.5;
        if (Math.Abs(q) <= Centre)
            return Near(Scalar.Of(q)).Value;
        Scalar root = Root(Scalar.Of(q < 0 ? p : 1 - p));
        double x = (root.Value <= Furthest ? InTail(root) : FarOut(root)).Value;
        return q < 0 ? -x : x;
    }

    /// <summary>Up to this distance from 1/2 <see cref="Near"/> holds, and up to this root <see cref="InTail"/>.</summary>
    internal const double Centre = 0.425, Furthest = 5;

    /// <summary>The quantile of p = q + 1/2.</summary>
    internal static V Near<V>(V q)
        where V : unmanaged, IValue<V> => q * Ratio(CentreRatio, V.Of(0.180625) - q * q);

    /// <summary>The root of -ln p.</summary>
    internal static V Root<V>(V p)
        where V : unmanaged, IValue<V> => V.Sqrt(-Log(p));

    /// <summary>The size of the quantile where a tail has such a root.</summary>
    internal static V InTail<V>(V root)
        where V : unmanaged, IValue<V> => Ratio(MiddleRatio, root - V.Of(1.6));

    /// <summary>The same further out.</summary>
    internal static V FarOut<V>(V root)
        where V : unmanaged, IValue<V> => Ratio(FarRatio, root - V.Of(5));

    // Numerator and denominator of each region, highest power first.
    private static readonly double[][] CentreRatio =
    [
        [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
            1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
        [5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
            687.1870074920579083, 42.313330701600911252, 1.0],
    ];

    private static readonly double[][] MiddleRatio =
    [
        [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
            3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734],
        [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
            0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0],
    ];

    private static readonly double[][] FarRatio =
    [
        [2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
            0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772],
        [2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
            0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0],
    ];

    private static V Ratio<V>(double[][] polynomials, V r)
        where V : unmanaged, IValue<V>
    {
        V numerator = V.Of(0), denominator = numerator;
        double[] above = polynomials[0], below = polynomials[1];
        for (int i = 0; i < above.Length; i++)
        {
            numerator = numerator * r + V.Of(above[i]);
            denominator = denominator * r + V.Of(below[i]);
        }
        return numerator / denominator;
    }

    /// <summary>The natural logarithm of a normal number, NaN of NaN, by the series of artanh((m - 1) / (m + 1)) on m in [0.7, 1.42).</summary>
    private static V Log<V>(V value)
        where V : unmanaged, IValue<V>
    {
        V half = V.Mantissa(value, out V exponent), whole = half + half, isLarge = whole > V.Of(1.4142135623730951);
        V mantissa = V.Select(isLarge, half, whole);
        exponent = V.Select(isLarge, exponent, exponent - V.Of(1));
        V s = (mantissa - V.Of(1)) / (mantissa + V.Of(1)), s2 = s * s, sum = V.Of(0);
        for (int k = 21; k >= 1; k -= 2)
            sum = sum * s2 + V.Of(1.0 / k);
        return V.Select(V.AreEqual(value, value), exponent * V.Of(0.69314718055994530942) + V.Of(2) * s * sum, value);
    }
}
