using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// <see cref="SplineElement"/>, compiled. The bin is found while the knots are summed up: a value's own bin is selected lane by
/// lane, and only its two slopes are ever computed.
/// </summary>
internal sealed unsafe class SplineKernel<T>(SplineElementSpec spec) : ElementKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int bins = spec.Bins;
    private readonly bool softclip = spec.SoftclipSlope is not null, halfTurn = spec.HalfTurn;
    private readonly double minWidth = spec.SoftclipSlope is null ? spec.MinWidth : 0, minHeight = spec.SoftclipSlope is null ? spec.MinHeight : 0;
    private readonly SplineTails tails = spec.Tails;
    // Behind the raw parameters stand, for each feature, whether its tails are linear, and its bound, where these are its own.
    private readonly bool ownTails = spec.FeatureTails is not null, ownBounds = spec.FeatureBounds is not null;
    private readonly int tailsAt = spec.ParameterCount, boundsAt = spec.ParameterCount + (spec.FeatureTails is null ? 0 : 1);
    private readonly double lower = spec.FeatureBounds is null ? spec.Lower ?? -spec.Bound : -1, upper = spec.FeatureBounds is null ? spec.Bound : 1;
    private readonly double clip = spec.SoftclipSlope is { } slope ? -Math.Log(slope) : 0;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Forward(T* x, T* parameters, int stride, int count, T* y, T* logDerivative)
    {
        CheckPanels(x, parameters, stride, count, y, logDerivative);
        Vector512<T>* shares = stackalloc Vector512<T>[2 * bins];
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(x + i);
            if (halfTurn)
                value = Turned(value);
            Vector512<T> bound = Bound(parameters + i, stride), share = ownBounds ? value / bound : value;
            Vector512<T> inside = Inside(share), clamped = Clamped(share, inside);
            Bin bin = Find(clamped, parameters + i, stride, shares, byHeight: false);
            Vector512<T> t = (clamped - bin.X) / bin.Width, t1 = t * (Vector512<T>.One - t);
            Vector512<T> denominator = VectorMath.MultiplyAdd(bin.Curvature, t1, bin.Slope);
            Vector512<T> mapped = VectorMath.MultiplyAdd(bin.Height, VectorMath.MultiplyAdd(bin.Slope * t, t, bin.D0 * t1) / denominator, bin.Y);
            VectorMath.Select(inside, ownBounds ? mapped * bound : mapped, value).Store(y + i);
            VectorMath.Select(inside, LogDerivative(bin, t, t1, denominator), Beyond(T.NegativeInfinity, T.Zero)).Store(logDerivative + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Inverse(T* y, T* parameters, int stride, int count, T* x, T* logDerivative)
    {
        CheckPanels(y, parameters, stride, count, x, logDerivative);
        Vector512<T>* shares = stackalloc Vector512<T>[2 * bins];
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(y + i), bound = Bound(parameters + i, stride), share = ownBounds ? value / bound : value;
            Vector512<T> inside = Inside(share), clamped = Clamped(share, inside);
            Bin bin = Find(clamped, parameters + i, stride, shares, byHeight: true);
            Vector512<T> u = clamped - bin.Y, q = bin.Curvature;
            Vector512<T> a = VectorMath.MultiplyAdd(bin.Height, bin.Slope - bin.D0, u * q);
            Vector512<T> b = bin.Height * bin.D0 - u * q, c = -bin.Slope * u;
            // Rounding may take the discriminant just below 0 where it is 0.
            Vector512<T> discriminant = VectorMath.Larger(Vector512<T>.Zero, b * b - VectorMath.Of<T>(4) * a * c);
            Vector512<T> t = VectorMath.Of<T>(2) * c / (-b - Vector512.Sqrt(discriminant));
            t = VectorMath.Larger(Vector512<T>.Zero, t);
            t = VectorMath.Select(Vector512.GreaterThan(t, Vector512<T>.One), Vector512<T>.One, t);
            Vector512<T> t1 = t * (Vector512<T>.One - t);
            Vector512<T> found = VectorMath.MultiplyAdd(t, bin.Width, bin.X);
            Vector512<T> mapped = VectorMath.Select(inside, ownBounds ? found * bound : found, tails == SplineTails.Box ? Vector512.Create(T.NaN) : value);
            (halfTurn ? Turned(mapped) : mapped).Store(x + i);
            VectorMath.Select(inside, -LogDerivative(bin, t, t1, VectorMath.MultiplyAdd(q, t1, bin.Slope)), Beyond(T.NaN, T.Zero)).Store(logDerivative + i);
        }
    }

    // ln dy/dx = ln[s^2 (d1 t^2 + 2 s t(1-t) + d0 (1-t)^2)] - 2 ln denominator, by one logarithm
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> LogDerivative(in Bin bin, Vector512<T> t, Vector512<T> t1, Vector512<T> denominator)
    {
        Vector512<T> rest = Vector512<T>.One - t, ratio = bin.Slope / denominator;
        Vector512<T> numerator = bin.D1 * t * t + (bin.Slope + bin.Slope) * t1 + bin.D0 * rest * rest;
        return VectorMath.Log(numerator * ratio * ratio);
    }

    private Vector512<T> Bound(T* parameters, int stride) => ownBounds ? Vector512.Load(parameters + boundsAt * stride) : Vector512<T>.One;

    private Vector512<T> Inside(Vector512<T> value) =>
        Vector512.GreaterThanOrEqual(value, VectorMath.Of<T>(lower)) & Vector512.LessThanOrEqual(value, VectorMath.Of<T>(upper));

    private Vector512<T> Clamped(Vector512<T> value, Vector512<T> inside) => VectorMath.Select(inside, value, VectorMath.Of<T>((lower + upper) / 2));

    // The log-derivative where the interval ends: of a map that is not there, or of the identity.
    private Vector512<T> Beyond(T nothing, T identity) => Vector512.Create(tails == SplineTails.Box ? nothing : identity);

    // Half a turn further on the circle of circumference 2 bound: by the exact remainder, which no vector instruction gives.
    private Vector512<T> Turned(Vector512<T> angle)
    {
        T turn = T.CreateTruncating(2 * upper), half = T.CreateTruncating(upper);
        for (int lane = 0; lane < Vector512<T>.Count; lane++)
        {
            T rest = angle[lane] % turn;
            angle = angle.WithElement(lane, (rest < T.Zero ? rest + turn : rest) - half);
        }
        return angle;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Bin Find(Vector512<T> value, T* parameters, int stride, Vector512<T>* shares, bool byHeight)
    {
        Vector512<T> perWidth = Shares(parameters, stride, shares, minWidth);
        Vector512<T> perHeight = Shares(parameters + bins * stride, stride, shares + bins, minHeight);
        Vector512<T> leastWidth = VectorMath.Of<T>(minWidth), leastHeight = VectorMath.Of<T>(minHeight);
        // The raw slopes of the inner knots; in front of them that of the first knot, where it has one of its own.
        bool ownEnds = ownTails || tails != SplineTails.Linear;
        T* slopes = parameters + (2 * bins + (ownEnds ? 1 : 0)) * stride;
        Vector512<T> edge = VectorMath.Of<T>(upper), low = VectorMath.Of<T>(lower), size = VectorMath.Of<T>(upper - lower);
        Vector512<T> x = low, y = low, x1 = bins == 1 ? edge : low, y1 = x1, raw0 = ownEnds ? Vector512.Load(slopes - stride) : Vector512<T>.Zero, raw1 = raw0;
        Vector512<T> sumX = Vector512<T>.Zero, sumY = sumX, reached = Vector512<T>.AllBitsSet, first = Vector512<T>.AllBitsSet, last = reached;
        // Knot j: the lanes that reach it start their bin there, and end it at the next one.
        for (int j = 1; j <= bins; j++)
        {
            sumX += VectorMath.MultiplyAdd(shares[j - 1], perWidth, leastWidth);
            sumY += VectorMath.MultiplyAdd(shares[bins + j - 1], perHeight, leastHeight);
            Vector512<T> knotX = j == bins ? edge : VectorMath.MultiplyAdd(size, sumX, low);
            Vector512<T> knotY = j == bins ? edge : VectorMath.MultiplyAdd(size, sumY, low);
            // Those that reached the last knot end here, unless they reach this one, too.
            x1 = VectorMath.Select(reached, knotX, x1);
            y1 = VectorMath.Select(reached, knotY, y1);
            if (j == bins)
            {
                last = reached;
                if (ownEnds)
                    raw1 = VectorMath.Select(reached, Vector512.Load(slopes + (ownTails || tails == SplineTails.Circular ? -1 : bins - 1) * stride), raw1);
                break;
            }
            Vector512<T> raw = Vector512.Load(slopes + (j - 1) * stride);
            raw1 = VectorMath.Select(reached, raw, raw1);
            reached &= Vector512.LessThanOrEqual(byHeight ? knotY : knotX, value);
            x = VectorMath.Select(reached, knotX, x);
            y = VectorMath.Select(reached, knotY, y);
            raw0 = VectorMath.Select(reached, raw, raw0);
            if (j == 1)
                first = ~reached;
        }
        Vector512<T> d0 = Slope(raw0), d1 = Slope(raw1);
        if (ownTails || !ownEnds)
        {
            Vector512<T> linear = ownTails ? Vector512.GreaterThan(Vector512.Load(parameters + tailsAt * stride), Vector512<T>.Zero) : Vector512<T>.AllBitsSet;
            d0 = VectorMath.Select(first & linear, Vector512<T>.One, d0);
            d1 = VectorMath.Select(last & linear, Vector512<T>.One, d1);
        }
        Vector512<T> width = x1 - x, height = y1 - y, slope = height / width;
        return new(x, y, width, height, slope, d0, d1, d0 + d1 - (slope + slope));
    }

    // e^(raw - max) of each bin, and what to multiply them by for shares of the interval, beside the least share.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Vector512<T> Shares(T* raw, int stride, Vector512<T>* shares, double least)
    {
        Vector512<T> most = Vector512.Create(T.NegativeInfinity), sum = Vector512<T>.Zero;
        Vector512<T> scale = VectorMath.Of<T>(spec.RawScale), narrowing = VectorMath.Of<T>(2 / clip);
        for (int j = 0; j < bins; j++)
        {
            Vector512<T> u = Vector512.Load(raw + j * stride);
            u = softclip ? u / (Vector512<T>.One + narrowing * Vector512.Abs(u)) : u * scale;
            shares[j] = u;
            most = VectorMath.Larger(most, u);
        }
        for (int j = 0; j < bins; j++)
            sum += shares[j] = VectorMath.Exp(shares[j] - most);
        return VectorMath.Of<T>(1 - least * bins) / sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<T> Slope(Vector512<T> raw) => softclip
        ? VectorMath.Exp(raw / (Vector512<T>.One + Vector512.Abs(raw) * VectorMath.Of<T>(1 / clip)))
        : VectorMath.Of<T>(spec.MinSlope) + VectorMath.Softplus(raw);

    private readonly record struct Bin(
        Vector512<T> X, Vector512<T> Y, Vector512<T> Width, Vector512<T> Height, Vector512<T> Slope, Vector512<T> D0, Vector512<T> D1, Vector512<T> Curvature);
}
