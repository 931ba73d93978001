using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Bijections.Elements;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Kernels;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Logit"/>.</summary>
public sealed record LogitSpec : BijectionSpec, ICompiledElement
{
    /// <summary>How far the ends are moved inwards before the logit: u = alpha + (1 - 2 alpha) (x - lower) / (upper - lower).</summary>
    public double Alpha { get; init; } = 0.05;

    public double Lower { get; init; }

    public double Upper { get; init; } = 1.0;

    internal override void Check(SpecScope at, EventShape shape)
    {
        if (!(Alpha >= 0 && Alpha < 0.5))
            throw at.Refusal("alpha", $"must lie in [0, 0.5), is {Alpha}");
        if (!(Upper > Lower) || !double.IsFinite(Upper - Lower))
            throw at.Refusal("upper", $"must be above lower ({Lower}), is {Upper}");
        at.Number("lower", Lower, largest: 1e12);
        at.Number("upper", Upper, largest: 1e12);
        // What is lost by moving the interval to 0 is no more than a millionth of it.
        if (Upper - Lower < 1e-9 * Math.Max(Math.Abs(Lower), Math.Abs(Upper)))
            throw at.Refusal("upper", $"is too near to lower ({Lower}) to tell values between them apart, is {Upper}");
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse) =>
        to.Element(this, inverse, shape);

    ElementKernel<T> ICompiledElement.Compile<T>()
    {
        double slope = (1 - 2 * Alpha) / (Upper - Lower);
        double offset = Alpha - slope * Lower;
        return new LogitKernel<T>(slope, offset, LogitEnds.Of<T>(slope, offset));
    }
}

/// <summary>
/// The ends of the open interval in the numbers of one precision: the outermost x that the logit still takes to a number. The inverse stops
/// there, where a large latent would round to the end itself, whose density is zero: what is drawn has a density.
/// </summary>
internal readonly record struct LogitEnds(double Least, double Most)
{
    // An interval that is too narrow for its numbers has no inside.
    private const int MostSteps = 64;

    public static LogitEnds Of<T>(double slope, double offset)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (T s, T o) = (T.CreateChecked(slope), T.CreateChecked(offset));
        T least = -o / s, most = (T.One - o) / s;
        for (int i = 0; i < MostSteps && !IsInside(least); i++)
            least = T.BitIncrement(least);
        for (int i = 0; i < MostSteps && !IsInside(most); i++)
            most = T.BitDecrement(most);
        return IsInside(least) && IsInside(most) ? new(double.CreateChecked(least), double.CreateChecked(most)) : new(double.NegativeInfinity, double.PositiveInfinity);

        // However the sum is rounded.
        bool IsInside(T x) => x * s + o is var u && T.FusedMultiplyAdd(x, s, o) is var once && T.Min(u, once) > T.Zero && T.Max(u, once) < T.One;
    }
}

/// <summary>
/// z = ln u - ln(1 - u) with u = alpha + (1 - 2 alpha) (x - lower) / (upper - lower): takes a bounded interval to the real line
/// (Dinh et al. 2017, section 4.1). Where u leaves (0, 1) the density is zero: the log-determinant is -infinity there.
/// </summary>
public sealed class Logit : Bijection
{
    private readonly double slope;
    private readonly double offset;
    private readonly LogitEnds single, ends;

    public Logit(LogitSpec spec) : base(nameof(Logit))
    {
        slope = (1 - 2 * spec.Alpha) / (spec.Upper - spec.Lower);
        offset = spec.Alpha - slope * spec.Lower;
        (single, ends) = (LogitEnds.Of<float>(slope, offset), LogitEnds.Of<double>(slope, offset));
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor u = x * slope + offset;
        Tensor inside = u.gt(0).logical_and(u.lt(1));
        Tensor safe = where(inside, u, full_like(u, 0.5));
        Tensor logU = safe.log(), logRest = (-safe).log1p();
        Tensor logDet = where(inside, Math.Log(slope) - logU - logRest, full_like(u, double.NegativeInfinity));
        return new((logU - logRest).MoveToOuterDisposeScope(), logDet.flatten(1).sum(1).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor logDet = nn.functional.logsigmoid(z) + nn.functional.logsigmoid(-z) - Math.Log(slope);
        LogitEnds inside = z.dtype == ScalarType.Float64 ? ends : single;
        Tensor x = ((z.sigmoid() - offset) / slope).clamp(inside.Least, inside.Most);
        return new(x.MoveToOuterDisposeScope(), logDet.flatten(1).sum(1).MoveToOuterDisposeScope());
    }
}

/// <summary>The same, written once for both compiled engines: an element without parameters.</summary>
internal readonly struct LogitMap(double slope, double offset, LogitEnds ends) : IElementMap
{
    public int Scratch => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Forward<V, P>(V x, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V u = x * V.Of(slope) + V.Of(offset), inside = (u > V.Of(0)) & (u < V.Of(1)), safe = V.Select(inside, u, V.Of(0.5));
        V logU = Elementary.Log(safe), logRest = Elementary.Log1p(-safe);
        return new(logU - logRest, V.Select(inside, V.Of(Math.Log(slope)) - logU - logRest, V.Of(double.NegativeInfinity)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Inverse<V, P>(V y, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        // -softplus(-y) - softplus(y), which share their tail.
        V tail = Elementary.Log1p(Elementary.Exp(-V.Abs(y)));
        V logSlope = -(V.Larger(V.Of(0), -y) + tail) - (V.Larger(V.Of(0), y) + tail);
        V x = (Elementary.Sigmoid(y) - V.Of(offset)) / V.Of(slope);
        x = V.Select(x < V.Of(ends.Least), V.Of(ends.Least), V.Select(x > V.Of(ends.Most), V.Of(ends.Most), x)); // NaN stays
        return new(x, logSlope - V.Of(Math.Log(slope)));
    }
}

/// <summary>The same on a CPU.</summary>
internal sealed unsafe class LogitKernel<T>(double slope, double offset, LogitEnds ends) : PointwiseKernel<T, LogitMap>(new(slope, offset, ends))
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override bool GoesBack => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(T* x, T* parameters, int stride, int count, T* ofY, T* ofLog, T* ofX, T* ofParameters)
    {
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> u = Vector512.Load(x + i) * VectorMath.Of<T>(slope) + VectorMath.Of<T>(offset), rest = Vector512<T>.One - u;
            Vector512<T> inside = Vector512.GreaterThan(u, Vector512<T>.Zero) & Vector512.LessThan(u, Vector512<T>.One);
            Vector512<T> inner = (Vector512.Load(ofY + i) + Vector512.Load(ofLog + i) * (u - rest)) / (u * rest) * VectorMath.Of<T>(slope);
            VectorMath.Select(inside, inner, Vector512<T>.Zero).Store(ofX + i);
        }
    }
}
