using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>
/// Functions of sixteen floats or eight doubles. Every lane is computed on its own by the same operations, so that a value does not
/// depend on its place; relative errors are a few units in the last place, near zero too.
/// </summary>
internal static class VectorMath
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Of<T>(double value)
        where T : unmanaged => typeof(T) == typeof(float)
            ? Vector512.Create((float)value).As<float, T>()
            : Vector512.Create(value).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MultiplyAdd<T>(Vector512<T> a, Vector512<T> b, Vector512<T> c)
        where T : unmanaged => typeof(T) == typeof(float)
            ? Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
            : Vector512.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    /// <summary>The larger one; b where either is NaN (maxps and maxpd, whose order of operands says so).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Larger<T>(Vector512<T> a, Vector512<T> b)
        where T : unmanaged => Vector512.MaxNative(a, b);

    /// <summary>a where the mask is set, else b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Select<T>(Vector512<T> mask, Vector512<T> a, Vector512<T> b)
        where T : unmanaged => Vector512.ConditionalSelect(mask, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Floor<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? Vector512.Floor(x.AsSingle()).As<float, T>()
            : Vector512.Floor(x.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Exp<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ExpSingle(x.AsSingle()).As<float, T>()
            : Vector512.Exp(x.AsDouble()).As<double, T>();

    // x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts; e^r by a polynomial (Moshier 1984, Cephes), to 0.6 units in the last
    // place where the runtime's own is off by more than one. 2^n comes in two factors: neither overflows before the result does.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ExpSingle(Vector512<float> x)
    {
        x = Select(Vector512.LessThan(x, Vector512.Create(-104f)), Vector512.Create(-104f), x);
        x = Select(Vector512.GreaterThan(x, Vector512.Create(89f)), Vector512.Create(89f), x);
        Vector512<float> n = Vector512.Floor(MultiplyAdd(x, Vector512.Create(1.44269504f), Vector512.Create(0.5f)));
        Vector512<float> r = MultiplyAdd(n, Vector512.Create(-0.693359375f), x);
        r = MultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        Vector512<float> p = Vector512.Create(1.9875691500e-4f);
        p = MultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = MultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = MultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = MultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = MultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = MultiplyAdd(p, r * r, r) + Vector512<float>.One;
        Vector512<int> exponent = Vector512.ConvertToInt32(n), half = exponent >> 1, bias = Vector512.Create(127);
        return p * ((half + bias) << 23).AsSingle() * ((exponent - half + bias) << 23).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Log<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? Vector512.Log(x.AsSingle()).As<float, T>()
            : Vector512.Log(x.AsDouble()).As<double, T>();

    /// <summary>ln(1 + x) for x > -1, exact near 0: the rounding of 1 + x is taken back out (Kahan).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Log1p<T>(Vector512<T> x)
        where T : unmanaged
    {
        Vector512<T> one = Vector512<T>.One, u = one + x, above = u - one;
        return Select(Vector512.Equals(above, Vector512<T>.Zero), x, Select(Vector512.Equals(u, x), Log(u), Log(u) * (x / above)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Sigmoid<T>(Vector512<T> x)
        where T : unmanaged => Vector512<T>.One / (Vector512<T>.One + Exp(-x));

    /// <summary>ln(1 + e^x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Softplus<T>(Vector512<T> x)
        where T : unmanaged => Larger(Vector512<T>.Zero, x) + Log1p(Exp(-Vector512.Abs(x)));

    /// <summary>tanh, by a polynomial or a rational function near 0 (Moshier 1984, Cephes) and by the exponential elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Tanh<T>(Vector512<T> x)
        where T : unmanaged
    {
        Vector512<T> size = Vector512.Abs(x), square = x * x;
        Vector512<T> p, near;
        if (typeof(T) == typeof(float))
        {
            p = MultiplyAdd(Of<T>(-5.70498872745e-3), square, Of<T>(2.06390887954e-2));
            p = MultiplyAdd(MultiplyAdd(p, square, Of<T>(-5.37397155531e-2)), square, Of<T>(1.33314422036e-1));
            near = MultiplyAdd(x * square, MultiplyAdd(p, square, Of<T>(-3.33332819422e-1)), x);
        }
        else
        {
            p = MultiplyAdd(MultiplyAdd(Of<T>(-9.64399179425052238628e-1), square, Of<T>(-9.92877231001918586564e1)), square, Of<T>(-1.61468768441708447952e3));
            Vector512<T> q = MultiplyAdd(MultiplyAdd(square + Of<T>(1.12811678491632931402e2), square, Of<T>(2.23548839060100448583e3)), square, Of<T>(4.84406305325125486048e3));
            near = MultiplyAdd(x * square, p / q, x);
        }
        Vector512<T> far = Vector512<T>.One - Of<T>(2) / (Exp(size + size) + Vector512<T>.One);
        Vector512<T> signed = Select(Vector512.LessThan(x, Vector512<T>.Zero), -far, far);
        return Select(Vector512.LessThan(size, Of<T>(0.625)), near, signed);
    }

    /// <summary>e^x - 1, exact near 0: 2 tanh(x / 2) / (1 - tanh(x / 2)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> ExpMinus1<T>(Vector512<T> x)
        where T : unmanaged
    {
        Vector512<T> half = Tanh(x * Of<T>(0.5)), near = (half + half) / (Vector512<T>.One - half);
        return Select(Vector512.LessThan(Vector512.Abs(x), Vector512<T>.One), near, Exp(x) - Vector512<T>.One);
    }

    /// <summary>The error function: its series near 0, a Chebyshev sum of e^(x^2) erfc(x) elsewhere.</summary>
    public static Vector512<T> Erf<T>(Vector512<T> x)
        where T : unmanaged
    {
        Vector512<T> size = Vector512.Abs(x), square = x * x;
        ReadOnlySpan<double> series = ErrorFunction.Series;
        Vector512<T> near = Of<T>(series[^1]);
        for (int n = series.Length - 2; n >= 0; n--)
            near = MultiplyAdd(near, square, Of<T>(series[n]));
        // Clenshaw's recurrence in u, which takes 1..infinity to 1..-1.
        Vector512<T> u = Of<T>(4) / (size + Vector512<T>.One) - Vector512<T>.One, twice = u + u, b1 = Vector512<T>.Zero, b2 = b1;
        ReadOnlySpan<double> tail = ErrorFunction.Tail;
        for (int n = tail.Length - 1; n > 0; n--)
            (b1, b2) = (MultiplyAdd(twice, b1, Of<T>(tail[n]) - b2), b1);
        Vector512<T> scaled = MultiplyAdd(u, b1, Of<T>(tail[0]) - b2) / size;
        Vector512<T> far = Vector512<T>.One - Exp(-square) * scaled;
        return Select(Vector512.LessThan(size, Vector512<T>.One), x * near, Select(Vector512.LessThan(x, Vector512<T>.Zero), -far, far));
    }

    /// <summary>asinh.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Asinh<T>(Vector512<T> x)
        where T : unmanaged
    {
        Vector512<T> size = Vector512.Abs(x), square = size * size;
        Vector512<T> value = Log1p(size + square / (Vector512<T>.One + Vector512.Sqrt(square + Vector512<T>.One)));
        value = Select(Vector512.GreaterThan(size, Of<T>(1e8)), Log(size) + Of<T>(0.693147180559945309417), value);
        return Select(Vector512.LessThan(x, Vector512<T>.Zero), -value, value);
    }

    /// <summary>sinh: near 0 by its series, elsewhere by exponentials.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Sinh<T>(Vector512<T> x)
        where T : unmanaged
    {
        Vector512<T> square = x * x, series = Of<T>(1 / 355687428096000.0);
        foreach (double factorial in (ReadOnlySpan<double>)[1 / 1307674368000.0, 1 / 6227020800.0, 1 / 39916800.0, 1 / 362880.0, 1 / 5040.0, 1 / 120.0, 1 / 6.0])
            series = MultiplyAdd(series, square, Of<T>(factorial));
        // e^|x| / 2 as a square: it overflows no sooner than the result does.
        Vector512<T> half = Exp(Vector512.Abs(x) * Of<T>(0.5)), grown = half * (half * Of<T>(0.5));
        Vector512<T> far = grown - Of<T>(0.25) / grown;
        Vector512<T> signed = Select(Vector512.LessThan(x, Vector512<T>.Zero), -far, far);
        return Select(Vector512.LessThan(square, Vector512<T>.One), MultiplyAdd(x * square, series, x), signed);
    }

    /// <summary>The sum of count values in float64: always in the same order, whatever stands behind the last one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe double Sum<T>(T* values, int count)
        where T : unmanaged, INumber<T>
    {
        Vector512<T> sums = Vector512<T>.Zero;
        int i = 0;
        for (; i <= count - Vector512<T>.Count; i += Vector512<T>.Count)
            sums += Vector512.Load(values + i);
        if (i < count)
            sums += Vector512.Load(values + i) & FirstLanes<T>(count - i);
        return Sum(sums);
    }

    /// <summary>All bits set in the first lanes, none in the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> FirstLanes<T>(int count)
        where T : unmanaged, INumber<T> =>
        Vector512.LessThan(Vector512.CreateSequence(T.Zero, T.One), Vector512.Create(T.CreateTruncating(count)));

    /// <summary>The sum of the lanes in float64: halves are added to each other, down to one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum<T>(Vector512<T> values)
        where T : unmanaged
    {
        Vector512<double> wide = typeof(T) == typeof(float)
            ? Vector512.WidenLower(values.AsSingle()) + Vector512.WidenUpper(values.AsSingle())
            : values.AsDouble();
        Vector256<double> four = wide.GetLower() + wide.GetUpper();
        Vector128<double> two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }
}
