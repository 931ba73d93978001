using System.Runtime.CompilerServices;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// <see cref="SplineElement"/>, written once for both compiled engines. The bin is found while the knots are summed up: a value's own bin is selected lane by
/// lane, and only its two slopes are ever computed.
/// </summary>
internal readonly unsafe partial struct SplineElementMap(SplineElementSpec spec) : IElementMap
{
    private readonly SplineElementSpec spec = spec;
    private readonly int bins = spec.Bins;
    private readonly bool softclip = spec.SoftclipSlope is not null, halfTurn = spec.HalfTurn;
    private readonly double minWidth = spec.SoftclipSlope is null ? spec.MinWidth : 0, minHeight = spec.SoftclipSlope is null ? spec.MinHeight : 0;
    private readonly SplineTails tails = spec.Tails;
    // Behind the raw parameters stand, for each feature, whether its tails are linear, and its bound, where these are its own.
    private readonly bool ownTails = spec.FeatureTails is not null, ownBounds = spec.FeatureBounds is not null;
    private readonly int tailsAt = spec.ParameterCount, boundsAt = spec.ParameterCount + (spec.FeatureTails is null ? 0 : 1);
    private readonly double lower = spec.FeatureBounds is null ? spec.Lower ?? -spec.Bound : -1, upper = spec.FeatureBounds is null ? spec.Bound : 1;
    private readonly double clip = spec.SoftclipSlope is { } slope ? -Math.Log(slope) : 0;

    // The shares of the widths, then those of the heights.
    public int Scratch => 2 * bins;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Mapped<V> Forward<V, P>(V x, P parameters, V* shares)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        if (halfTurn)
            x = Turned(x);
        V bound = Bound<V, P>(parameters), share = ownBounds ? x / bound : x, inside = Inside(share), clamped = Clamped(share, inside);
        SplineBin<V> bin = Find(clamped, parameters, shares, byHeight: false);
        V t = (clamped - bin.X) / bin.Width, t1 = t * (V.Of(1) - t), denominator = V.MultiplyAdd(bin.Curvature, t1, bin.Slope);
        V mapped = V.MultiplyAdd(bin.Height, V.MultiplyAdd(bin.Slope * t, t, bin.D0 * t1) / denominator, bin.Y);
        return new(
            V.Select(inside, ownBounds ? mapped * bound : mapped, x),
            V.Select(inside, LogDerivative(bin, t, t1, denominator), Beyond<V>(double.NegativeInfinity)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Mapped<V> Inverse<V, P>(V y, P parameters, V* shares)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V bound = Bound<V, P>(parameters), share = ownBounds ? y / bound : y, inside = Inside(share), clamped = Clamped(share, inside);
        SplineBin<V> bin = Find(clamped, parameters, shares, byHeight: true);
        V u = clamped - bin.Y, q = bin.Curvature;
        V a = V.MultiplyAdd(bin.Height, bin.Slope - bin.D0, u * q), b = bin.Height * bin.D0 - u * q, c = -bin.Slope * u;
        // Rounding may take the discriminant just below 0 where it is 0.
        V discriminant = V.Larger(V.Of(0), b * b - V.Of(4) * a * c);
        V t = V.Larger(V.Of(0), V.Of(2) * c / (-b - V.Sqrt(discriminant)));
        t = V.Select(t > V.Of(1), V.Of(1), t);
        V t1 = t * (V.Of(1) - t), found = V.MultiplyAdd(t, bin.Width, bin.X);
        V mapped = V.Select(inside, ownBounds ? found * bound : found, tails == SplineTails.Box ? V.Of(double.NaN) : y);
        return new(
            halfTurn ? Turned(mapped) : mapped,
            V.Select(inside, -LogDerivative(bin, t, t1, V.MultiplyAdd(q, t1, bin.Slope)), Beyond<V>(double.NaN)));
    }

    // ln dy/dx = ln[s^2 (d1 t^2 + 2 s t(1-t) + d0 (1-t)^2)] - 2 ln denominator, by one logarithm
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogDerivative<V>(in SplineBin<V> bin, V t, V t1, V denominator)
        where V : unmanaged, IValue<V>
    {
        V rest = V.Of(1) - t, ratio = bin.Slope / denominator;
        V numerator = bin.D1 * t * t + (bin.Slope + bin.Slope) * t1 + bin.D0 * rest * rest;
        return Elementary.Log(numerator * ratio * ratio);
    }

    public V Bound<V, P>(P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => ownBounds ? parameters[boundsAt] : V.Of(1);

    public V Inside<V>(V value)
        where V : unmanaged, IValue<V> => (value >= V.Of(lower)) & (value <= V.Of(upper));

    public V Clamped<V>(V value, V inside)
        where V : unmanaged, IValue<V> => V.Select(inside, value, V.Of((lower + upper) / 2));

    // The log-derivative where the interval ends: of a map that is not there, or of the identity.
    private V Beyond<V>(double nothing)
        where V : unmanaged, IValue<V> => V.Of(tails == SplineTails.Box ? nothing : 0);

    /// <summary>Half a turn further on the circle of circumference 2 bound.</summary>
    public V Turned<V>(V angle)
        where V : unmanaged, IValue<V>
    {
        V rest = V.Remainder(angle, 2 * upper);
        return V.Select(rest < V.Of(0), rest + V.Of(2 * upper), rest) - V.Of(upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public SplineBin<V> Find<V, P>(V value, P parameters, V* shares, bool byHeight, V* reach = null)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        if (typeof(V) == typeof(Term) && bins > MostUnrolled)
            return Unsafe.BitCast<SplineBin<Term>, SplineBin<V>>(FindByLoop(Unsafe.BitCast<V, Term>(value), byHeight));
        V perWidth = Shares(parameters, 0, shares, minWidth), perHeight = Shares(parameters, bins, shares + bins, minHeight);
        V leastWidth = V.Of(minWidth), leastHeight = V.Of(minHeight);
        // The raw slopes of the inner knots; in front of them that of the first knot, where it has one of its own.
        bool ownEnds = ownTails || tails != SplineTails.Linear;
        int slopes = 2 * bins + (ownEnds ? 1 : 0);
        V edge = V.Of(upper), low = V.Of(lower), size = V.Of(upper - lower);
        V x = low, y = low, x1 = bins == 1 ? edge : low, y1 = x1, raw0 = ownEnds ? parameters[slopes - 1] : V.Of(0), raw1 = raw0;
        V sumX = V.Of(0), sumY = sumX, reached = V.Everywhere, first = V.Everywhere, last = reached;
        if (reach is not null)
            reach[0] = reached;
        // Knot j: the lanes that reach it start their bin there, and end it at the next one.
        for (int j = 1; j <= bins; j++)
        {
            sumX += V.MultiplyAdd(shares[j - 1], perWidth, leastWidth);
            sumY += V.MultiplyAdd(shares[bins + j - 1], perHeight, leastHeight);
            V knotX = j == bins ? edge : V.MultiplyAdd(size, sumX, low);
            V knotY = j == bins ? edge : V.MultiplyAdd(size, sumY, low);
            // Those that reached the last knot end here, unless they reach this one, too.
            x1 = V.Select(reached, knotX, x1);
            y1 = V.Select(reached, knotY, y1);
            if (j == bins)
            {
                last = reached;
                if (ownEnds)
                    raw1 = V.Select(reached, parameters[slopes + (ownTails || tails == SplineTails.Circular ? -1 : bins - 1)], raw1);
                break;
            }
            V raw = parameters[slopes + j - 1];
            raw1 = V.Select(reached, raw, raw1);
            reached &= (byHeight ? knotY : knotX) <= value;
            if (reach is not null)
                reach[j] = reached;
            x = V.Select(reached, knotX, x);
            y = V.Select(reached, knotY, y);
            raw0 = V.Select(reached, raw, raw0);
            if (j == 1)
                first = ~reached;
        }
        return Bin(parameters, x, y, x1, y1, raw0, raw1, first, last);
    }

    // The bin between two corners; its raw slopes count where it does not end in a straight line.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private SplineBin<V> Bin<V, P>(P parameters, V x, V y, V x1, V y1, V raw0, V raw1, V first, V last)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V d0 = Slope(raw0), d1 = Slope(raw1);
        if (ownTails || tails == SplineTails.Linear)
        {
            V linear = ownTails ? parameters[tailsAt] > V.Of(0) : V.Everywhere;
            d0 = V.Select(first & linear, V.Of(1), d0);
            d1 = V.Select(last & linear, V.Of(1), d1);
        }
        V width = x1 - x, height = y1 - y, slope = height / width;
        return new(x, y, width, height, slope, d0, d1, d0 + d1 - (slope + slope));
    }

    // e^(raw - max) of each bin, and what to multiply them by for shares of the interval, beside the least share.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private V Shares<V, P>(P parameters, int first, V* shares, double least)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V most = V.Of(double.NegativeInfinity), sum = V.Of(0);
        V scale = V.Of(spec.RawScale), narrowing = V.Of(2 / clip);
        for (int j = 0; j < bins; j++)
        {
            V u = parameters[first + j];
            u = softclip ? u / (V.Of(1) + narrowing * V.Abs(u)) : u * scale;
            shares[j] = u;
            most = V.Larger(most, u);
        }
        for (int j = 0; j < bins; j++)
            sum += shares[j] = Elementary.Exp(shares[j] - most);
        return V.Of(1 - least * bins) / sum;
    }

    // A call, for a kernel's loop would exceed what the runtime's compiler inlines into it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private V Slope<V>(V raw)
        where V : unmanaged, IValue<V> => softclip
        ? Elementary.Exp(raw / (V.Of(1) + V.Abs(raw) * V.Of(1 / clip)))
        : V.Of(spec.MinSlope) + Elementary.Softplus(raw);
}

/// <summary>The bin that a value stands in: its near corner, its size, its mean slope, the slopes at its ends, and their curvature.</summary>
internal readonly record struct SplineBin<V>(V X, V Y, V Width, V Height, V Slope, V D0, V D1, V Curvature);
