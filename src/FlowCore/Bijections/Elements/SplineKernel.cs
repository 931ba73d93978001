using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Bijections.Elements;

/// <summary><see cref="SplineElement"/> on a CPU: the formulas of <see cref="SplineElementMap"/>, and their way back.</summary>
internal sealed unsafe class SplineKernel<T>(SplineElementSpec spec) : PointwiseKernel<T, SplineElementMap>(new(spec))
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int bins = spec.Bins;
    private readonly bool softclip = spec.SoftclipSlope is not null, halfTurn = spec.HalfTurn;
    private readonly double minWidth = spec.SoftclipSlope is null ? spec.MinWidth : 0, minHeight = spec.SoftclipSlope is null ? spec.MinHeight : 0;
    private readonly SplineTails tails = spec.Tails;
    private readonly bool ownTails = spec.FeatureTails is not null, ownBounds = spec.FeatureBounds is not null;
    private readonly int tailsAt = spec.ParameterCount;
    private readonly double lower = spec.FeatureBounds is null ? spec.Lower ?? -spec.Bound : -1, upper = spec.FeatureBounds is null ? spec.Bound : 1;
    private readonly double clip = spec.SoftclipSlope is { } slope ? -Math.Log(slope) : 0;

    public override bool GoesBack => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(T* x, T* parameters, int stride, int count, T* ofY, T* ofLog, T* ofX, T* ofParameters)
    {
        // The shares of the bins, and which lanes reach which knot.
        Vector512<T>* shares = stackalloc Vector512<T>[2 * bins], reach = stackalloc Vector512<T>[bins + 1];
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            var (bound, inside, clamped, bin) = typeof(T) == typeof(float)
                ? Find<SingleLanes>(x + i, parameters + i, stride, shares, reach)
                : Find<DoubleLanes>(x + i, parameters + i, stride, shares, reach);
            Vector512<T> one = Vector512<T>.One;
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Found Find<V>(T* x, T* parameters, int stride, Vector512<T>* shares, Vector512<T>* reach)
        where V : unmanaged, ILaneValue<V>
    {
        SplineElementMap map = Map;
        V value = halfTurn ? map.Turned(V.Load(x)) : V.Load(x);
        var panels = new Panels<V>(parameters, stride * sizeof(T));
        V bound = map.Bound<V, Panels<V>>(panels), share = ownBounds ? value / bound : value, inside = map.Inside(share), clamped = map.Clamped(share, inside);
        SplineBin<V> bin = map.Find(clamped, panels, (V*)shares, byHeight: false, (V*)reach);
        return new(Vector(bound), Vector(inside), Vector(clamped), new(
            Vector(bin.X), Vector(bin.Y), Vector(bin.Width), Vector(bin.Height), Vector(bin.Slope), Vector(bin.D0), Vector(bin.D1), Vector(bin.Curvature)));

        static Vector512<T> Vector(V lanes) => Unsafe.BitCast<V, Vector512<T>>(lanes);
    }

    private readonly record struct Found(Vector512<T> Bound, Vector512<T> Inside, Vector512<T> Clamped, SplineBin<Vector512<T>> Bin);

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
}
