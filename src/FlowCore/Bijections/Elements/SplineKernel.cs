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

    public override bool GoesBack => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(T* x, T* parameters, int stride, int count, T* ofY, T* ofLog, T* ofX, T* ofParameters)
    {
        // The shares of the bins, and which lanes reach which knot.
        Vector512<T>* shares = stackalloc Vector512<T>[2 * bins], reach = stackalloc Vector512<T>[bins + 1];
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(x + i), one = Vector512<T>.One;
            if (halfTurn)
                value = Turned(value);
            Vector512<T> bound = Bound(parameters + i, stride), share = ownBounds ? value / bound : value;
            Vector512<T> inside = Inside(share), clamped = Clamped(share, inside);
            Bin bin = Find(clamped, parameters + i, stride, shares, byHeight: false, reach);
            Vector512<T> outer = Vector512.Load(ofY + i), ofLogs = Vector512.Load(ofLog + i) & inside, ofMapped = outer * bound & inside;
            Vector512<T> s = bin.Slope, q = bin.Curvature, t = (clamped - bin.X) / bin.Width, rest = one - t, t1 = t * rest, two = VectorMath.Of<T>(2);
            Vector512<T> denominator = VectorMath.MultiplyAdd(q, t1, s), ratio = VectorMath.MultiplyAdd(s * t, t, bin.D0 * t1) / denominator;
            Vector512<T> numerator = bin.D1 * t * t + two * s * t1 + bin.D0 * rest * rest;

            // y = Y + H ratio; ln dy/dx = ln numerator + 2 ln s - 2 ln denominator.
            Vector512<T> ofRatio = ofMapped * bin.Height / denominator, ofNumerator = ofLogs / numerator;
            Vector512<T> ofDenominator = -(ofRatio * ratio + two * ofLogs / denominator);
            Vector512<T> ofS = ofRatio * t * t + two * ofLogs / s + ofDenominator + two * t1 * ofNumerator - two * t1 * ofDenominator;
            Vector512<T> ofD0 = t1 * (ofRatio + ofDenominator) + ofNumerator * rest * rest, ofD1 = t1 * ofDenominator + ofNumerator * t * t;
            Vector512<T> ofT1 = ofRatio * bin.D0 + ofDenominator * q + two * s * ofNumerator;
            Vector512<T> ofT = two * s * t * ofRatio + two * ofNumerator * (bin.D1 * t - bin.D0 * rest) + ofT1 * (rest - t);
            Vector512<T> inner = ofT / bin.Width, ofHeight = ofMapped * ratio + ofS / bin.Width;
            Vector512<T> ofWidth = -(ofS * s + ofT * t) / bin.Width;
            VectorMath.Select(inside, inner / bound, outer).Store(ofX + i);

            T* adjoints = ofParameters + i;
            SharesBack(parameters + i, shares, reach, -(inner + ofWidth), ofWidth, stride, minWidth, adjoints);
            SharesBack(parameters + i + bins * stride, shares + bins, reach, ofMapped - ofHeight, ofHeight, stride, minHeight, adjoints + bins * stride);
            SlopesBack(parameters + i, reach, ofD0, ofD1, stride, adjoints);
            for (int p = spec.ParameterCount; p < spec.ParameterCount + (ownTails ? 1 : 0) + (ownBounds ? 1 : 0); p++)
                Vector512<T>.Zero.Store(adjoints + p * stride);
        }
    }

    // A bin's ends are sums of shares: all in front of it move both of its ends, its own the far one. The ends of the interval stay.
    private void SharesBack(
        T* raw, Vector512<T>* shares, Vector512<T>* reach, Vector512<T> ofNear, Vector512<T> ofFar, int stride, double least, T* ofRaw)
    {
        Vector512<T> sum = Vector512<T>.Zero, along = sum, unit = VectorMath.Of<T>((upper - lower) * (1 - least * bins));
        for (int j = 0; j < bins; j++)
            sum += shares[j];
        // The far end of the last bin is the interval's, the near end of the first one, too: no share stands in front of it.
        ofFar = VectorMath.Select(reach[bins - 1], Vector512<T>.Zero, ofFar);
        for (int j = 0; j < bins; j++)
            along = VectorMath.MultiplyAdd(shares[j], OfShare(j, reach, ofNear, ofFar), along);
        Vector512<T> mean = along / sum, factor = unit / sum;
        for (int j = 0; j < bins; j++)
        {
            Vector512<T> adjoint = shares[j] * factor * (OfShare(j, reach, ofNear, ofFar) - mean);
            if (softclip)
            {
                Vector512<T> growth = Vector512<T>.One + VectorMath.Of<T>(2 / clip) * Vector512.Abs(Vector512.Load(raw + j * stride));
                adjoint /= growth * growth;
            }
            else
            {
                adjoint *= VectorMath.Of<T>(spec.RawScale);
            }
            adjoint.Store(ofRaw + j * stride);
        }
    }

    // Lanes that reach knot j + 1 have bin j in front of theirs; those that reach knot j alone stand in it.
    private Vector512<T> OfShare(int j, Vector512<T>* reach, Vector512<T> ofNear, Vector512<T> ofFar)
    {
        Vector512<T> beyond = j + 1 < bins ? reach[j + 1] : Vector512<T>.Zero;
        return (ofNear & beyond) + (ofFar & reach[j]);
    }

    private void SlopesBack(T* parameters, Vector512<T>* reach, Vector512<T> ofD0, Vector512<T> ofD1, int stride, T* ofParameters)
    {
        int first = 2 * bins, count = spec.RawSlopes;
        // The knot of the first raw slope; on a circle the last knot is the first one again.
        bool ownEnds = ownTails || tails != SplineTails.Linear, isCircle = tails == SplineTails.Circular || ownTails;
        int firstKnot = ownEnds ? 0 : 1;
        Vector512<T> linear = ownTails ? Vector512.GreaterThan(Vector512.Load(parameters + tailsAt * stride), Vector512<T>.Zero) : Vector512<T>.Zero;
        for (int r = 0; r < count; r++)
        {
            int knot = r + firstKnot;
            Vector512<T> adjoint = (ofD0 & Stands(knot, reach)) + (ofD1 & Stands(knot - 1, reach));
            if (isCircle && knot == 0)
                adjoint = Vector512.AndNot(adjoint + (ofD1 & Stands(bins - 1, reach)), linear);
            // With tails of their own, the last raw slope is nobody's.
            if (ownTails && knot == bins)
                adjoint = Vector512<T>.Zero;
            Vector512<T> raw = Vector512.Load(parameters + (first + r) * stride), growth = Vector512<T>.One + Vector512.Abs(raw) * VectorMath.Of<T>(1 / clip);
            (adjoint * (softclip ? VectorMath.Exp(raw / growth) / (growth * growth) : VectorMath.Sigmoid(raw))).Store(ofParameters + (first + r) * stride);
        }
    }

    // The lanes whose value stands in bin j.
    private Vector512<T> Stands(int j, Vector512<T>* reach) =>
        j < 0 || j >= bins ? Vector512<T>.Zero : j + 1 < bins ? Vector512.AndNot(reach[j], reach[j + 1]) : reach[j];

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
    private Bin Find(Vector512<T> value, T* parameters, int stride, Vector512<T>* shares, bool byHeight, Vector512<T>* reach = null)
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
        if (reach is not null)
            reach[0] = reached;
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
            if (reach is not null)
                reach[j] = reached;
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
