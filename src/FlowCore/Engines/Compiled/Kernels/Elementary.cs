using System.Runtime.CompilerServices;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>
/// The functions that maps and elements are made of, written once for both compiled engines. Every value is computed on its own by the
/// same operations, so that it does not depend on its place; relative errors are a few units in the last place, near zero too. On a CPU
/// the smaller ones are inlined, so that vectors stay in registers; the larger ones are calls, which pass them through memory: with these
/// inlined a kernel's loop would exceed what the runtime's compiler inlines, and the operators would become calls.
/// </summary>
internal static class Elementary
{
    /// <summary>
    /// e^x. x = n ln 2 + r with |r| at most ln 2 / 2, ln 2 in two parts; e^r by a polynomial: in float32 that of Moshier 1984 (Cephes), to
    /// 0.6 units in the last place; in float64 the exponential series.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<V>(V x)
        where V : unmanaged, IValue<V>
    {
        V least = V.Of(V.IsSingle ? -104 : -746), most = V.Of(V.IsSingle ? 89 : 710);
        x = V.Select(x < least, least, x);
        x = V.Select(x > most, most, x);
        V n = V.Floor(V.MultiplyAdd(x, V.Of(1.4426950408889634), V.Of(0.5)));
        V r = V.MultiplyAdd(n, V.Of(V.IsSingle ? -0.693359375 : -6.93147180369123816490e-01), x);
        r = V.MultiplyAdd(n, V.Of(V.IsSingle ? 2.12194440e-4 : -1.90821492927058770002e-10), r);
        V p;
        if (V.IsSingle)
        {
            p = V.Of(1.9875691500e-4);
            p = V.MultiplyAdd(p, r, V.Of(1.3981999507e-3));
            p = V.MultiplyAdd(p, r, V.Of(8.3334519073e-3));
            p = V.MultiplyAdd(p, r, V.Of(4.1665795894e-2));
            p = V.MultiplyAdd(p, r, V.Of(1.6666665459e-1));
            p = V.MultiplyAdd(p, r, V.Of(5.0000001201e-1));
        }
        else
        {
            p = ExpSeries(r);
        }
        return V.TimesPowerOfTwo(V.MultiplyAdd(p, r * r, r) + V.Of(1), n);
    }

    /// <summary>
    /// ln x. x = m 2^e with m in [sqrt(1/2), sqrt(2)); ln m in float32 by a polynomial in m - 1 (Moshier 1984, Cephes), in float64 by the
    /// series of artanh((m - 1) / (m + 1)); ln 2 in two parts.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log<V>(V x)
        where V : unmanaged, IValue<V>
    {
        V one = V.Of(1), m = V.Mantissa(x, out V e), small = m < V.Of(0.70710678118654752);
        e -= one & small;
        m = m + (m & small) - one;
        V value = V.IsSingle ? LogSingle(m, e) : LogDouble(m, e);
        value = V.Select(V.AreEqual(x, V.Of(double.PositiveInfinity)), x, value);
        value = V.Select(V.AreEqual(x, V.Of(0)), V.Of(double.NegativeInfinity), value);
        return V.Select(x >= V.Of(0), value, V.Of(double.NaN));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogSingle<V>(V m, V e)
        where V : unmanaged, IValue<V>
    {
        V square = m * m, p = V.Of(7.0376836292e-2);
        p = V.MultiplyAdd(p, m, V.Of(-1.1514610310e-1));
        p = V.MultiplyAdd(p, m, V.Of(1.1676998740e-1));
        p = V.MultiplyAdd(p, m, V.Of(-1.2420140846e-1));
        p = V.MultiplyAdd(p, m, V.Of(1.4249322787e-1));
        p = V.MultiplyAdd(p, m, V.Of(-1.6668057665e-1));
        p = V.MultiplyAdd(p, m, V.Of(2.0000714765e-1));
        p = V.MultiplyAdd(p, m, V.Of(-2.4999993993e-1));
        p = V.MultiplyAdd(p, m, V.Of(3.3333331174e-1));
        p = V.MultiplyAdd(p * m, square, e * V.Of(-2.12194440e-4));
        p = V.MultiplyAdd(square, V.Of(-0.5), p);
        return V.MultiplyAdd(e, V.Of(0.693359375), m + p);
    }

    // 1 / 2! + r / 3! + ... + r^11 / 13!.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpSeries<V>(V r)
        where V : unmanaged, IValue<V>
    {
        V sum = V.MultiplyAdd(V.Of(1 / 6227020800.0), r, V.Of(1 / 479001600.0));
        sum = V.MultiplyAdd(V.MultiplyAdd(sum, r, V.Of(1 / 39916800.0)), r, V.Of(1 / 3628800.0));
        sum = V.MultiplyAdd(V.MultiplyAdd(sum, r, V.Of(1 / 362880.0)), r, V.Of(1 / 40320.0));
        sum = V.MultiplyAdd(V.MultiplyAdd(sum, r, V.Of(1 / 5040.0)), r, V.Of(1 / 720.0));
        sum = V.MultiplyAdd(V.MultiplyAdd(sum, r, V.Of(1 / 120.0)), r, V.Of(1 / 24.0));
        return V.MultiplyAdd(V.MultiplyAdd(sum, r, V.Of(1 / 6.0)), r, V.Of(1 / 2.0));
    }

    // ln((1 + s) / (1 - s)) = 2 s + s (2/3 s^2 + 2/5 s^4 + ...), of square = s^2: 2/3 + 2/5 s^2 + ...
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogSeries<V>(V square)
        where V : unmanaged, IValue<V>
    {
        V sum = V.MultiplyAdd(V.Of(2 / 21.0), square, V.Of(2 / 19.0));
        sum = V.MultiplyAdd(V.MultiplyAdd(sum, square, V.Of(2 / 17.0)), square, V.Of(2 / 15.0));
        sum = V.MultiplyAdd(V.MultiplyAdd(sum, square, V.Of(2 / 13.0)), square, V.Of(2 / 11.0));
        sum = V.MultiplyAdd(V.MultiplyAdd(sum, square, V.Of(2 / 9.0)), square, V.Of(2 / 7.0));
        return V.MultiplyAdd(V.MultiplyAdd(sum, square, V.Of(2 / 5.0)), square, V.Of(2 / 3.0));
    }

    // ln(1 + m) = m - (m^2 / 2 - s (m^2 / 2 + R)) with s = m / (2 + m) and R the series without its first term.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogDouble<V>(V m, V e)
        where V : unmanaged, IValue<V>
    {
        V s = m / (V.Of(2) + m), square = s * s, half = V.Of(0.5) * m * m;
        V rest = V.MultiplyAdd(s, half + square * LogSeries(square), e * V.Of(1.90821492927058770002e-10));
        return V.MultiplyAdd(e, V.Of(6.93147180369123816490e-01), m - (half - rest));
    }

    /// <summary>ln(1 + x) for x > -1, exact near 0: the rounding of 1 + x is taken back out (Kahan).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log1p<V>(V x)
        where V : unmanaged, IValue<V>
    {
        V one = V.Of(1), u = one + x, above = u - one, log = Log(u);
        return V.Select(V.AreEqual(above, V.Of(0)), x, V.Select(V.AreEqual(u, x), log, log * (x / above)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid<V>(V x)
        where V : unmanaged, IValue<V> => V.Of(1) / (V.Of(1) + Exp(-x));

    /// <summary>ln(1 + e^x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Softplus<V>(V x)
        where V : unmanaged, IValue<V> => V.Larger(V.Of(0), x) + Log1p(Exp(-V.Abs(x)));

    /// <summary>tanh, by a polynomial or a rational function near 0 (Moshier 1984, Cephes) and by the exponential elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<V>(V x)
        where V : unmanaged, IValue<V>
    {
        V size = V.Abs(x);
        V far = V.Of(1) - V.Of(2) / (Exp(size + size) + V.Of(1));
        return V.Select(size < V.Of(0.625), TanhNearZero(x), V.Select(x < V.Of(0), -far, far));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V TanhNearZero<V>(V x)
        where V : unmanaged, IValue<V>
    {
        V square = x * x;
        if (V.IsSingle)
        {
            V series = V.MultiplyAdd(V.Of(-5.70498872745e-3), square, V.Of(2.06390887954e-2));
            series = V.MultiplyAdd(V.MultiplyAdd(series, square, V.Of(-5.37397155531e-2)), square, V.Of(1.33314422036e-1));
            return V.MultiplyAdd(x * square, V.MultiplyAdd(series, square, V.Of(-3.33332819422e-1)), x);
        }
        V p = V.MultiplyAdd(V.MultiplyAdd(V.Of(-9.64399179425052238628e-1), square, V.Of(-9.92877231001918586564e1)), square, V.Of(-1.61468768441708447952e3));
        V q = V.MultiplyAdd(square + V.Of(1.12811678491631932401e2), square, V.Of(2.23548839060100448583e3));
        return V.MultiplyAdd(x * square, p / V.MultiplyAdd(q, square, V.Of(4.84406305325125486048e3)), x);
    }

    /// <summary>e^x - 1, exact near 0: 2 tanh(x / 2) / (1 - tanh(x / 2)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ExpMinus1<V>(V x)
        where V : unmanaged, IValue<V>
    {
        V half = TanhNearZero(x * V.Of(0.5)), near = (half + half) / (V.Of(1) - half);
        return V.Select(V.Abs(x) < V.Of(1), near, Exp(x) - V.Of(1));
    }

    /// <summary>The error function: its series near 0, a Chebyshev sum of e^(x^2) erfc(x) elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static V Erf<V>(V x)
        where V : unmanaged, IValue<V>
    {
        V size = V.Abs(x), square = x * x;
        ReadOnlySpan<double> series = ErrorFunction.Series;
        V near = V.Of(series[^1]);
        for (int n = series.Length - 2; n >= 0; n--)
            near = V.MultiplyAdd(near, square, V.Of(series[n]));
        // Clenshaw's recurrence in u, which takes 1..infinity to 1..-1.
        V u = V.Of(4) / (size + V.Of(1)) - V.Of(1), twice = u + u, b1 = V.Of(0), b2 = b1;
        ReadOnlySpan<double> tail = ErrorFunction.Tail;
        for (int n = tail.Length - 1; n > 0; n--)
            (b1, b2) = (V.MultiplyAdd(twice, b1, V.Of(tail[n]) - b2), b1);
        V scaled = V.MultiplyAdd(u, b1, V.Of(tail[0]) - b2) / size;
        V far = V.Of(1) - Exp(-square) * scaled;
        return V.Select(size < V.Of(1), x * near, V.Select(x < V.Of(0), -far, far));
    }

    /// <summary>asinh.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static V Asinh<V>(V x)
        where V : unmanaged, IValue<V>
    {
        V size = V.Abs(x), square = size * size;
        V value = Log1p(size + square / (V.Of(1) + V.Sqrt(square + V.Of(1))));
        value = V.Select(size > V.Of(1e8), Log(size) + V.Of(0.693147180559945309417), value);
        return V.Select(x < V.Of(0), -value, value);
    }

    /// <summary>sinh: near 0 by its series, elsewhere by exponentials.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static V Sinh<V>(V x)
        where V : unmanaged, IValue<V>
    {
        V square = x * x, series = V.Of(1 / 355687428096000.0);
        foreach (double factorial in (ReadOnlySpan<double>)[1 / 1307674368000.0, 1 / 6227020800.0, 1 / 39916800.0, 1 / 362880.0, 1 / 5040.0, 1 / 120.0, 1 / 6.0])
            series = V.MultiplyAdd(series, square, V.Of(factorial));
        // e^|x| / 2 as a square: it overflows no sooner than the result does.
        V half = Exp(V.Abs(x) * V.Of(0.5)), grown = half * (half * V.Of(0.5));
        V far = grown - V.Of(0.25) / grown;
        return V.Select(square < V.Of(1), V.MultiplyAdd(x * square, series, x), V.Select(x < V.Of(0), -far, far));
    }

    /// <summary>Phi(x), the standard normal distribution function, exact in its lower tail; for float64.</summary>
    public static V NormalDistribution<V>(V x)
        where V : unmanaged, IValue<V>
    {
        V size = V.Abs(x) * V.Of(Math.Sqrt(0.5)), square = size * size, near = V.Of(0);
        ReadOnlySpan<double> series = ErrorFunction.Series;
        for (int n = series.Length - 1; n >= 0; n--)
            near = near * square + V.Of(series[n]);
        V share = V.Of(0.5) * size * near;
        V u = V.Of(4) / (size + V.Of(1)) - V.Of(1), twice = u + u, b1 = V.Of(0), b2 = b1;
        ReadOnlySpan<double> tail = ErrorFunction.Tail;
        for (int n = tail.Length - 1; n > 0; n--)
            (b1, b2) = (twice * b1 + V.Of(tail[n]) - b2, b1);
        V far = V.Of(0.5) * Exp(V.Of(-0.5) * x * x) * (u * b1 + V.Of(tail[0]) - b2) / size;
        V below = x < V.Of(0);
        return V.Select(size < V.Of(1), V.Of(0.5) + V.Select(below, -share, share), V.Select(below, far, V.Of(1) - far));
    }
}
