using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Bijections.Elements;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Kernels;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="LogTanh"/>.</summary>
public sealed record LogTanhSpec : BijectionSpec, ICompiledElement
{
    /// <summary>Where the logarithm begins, on either side of 0.</summary>
    public double Cut { get; init; } = 1;

    /// <summary>The logarithm's factor; nflows takes (1 - tanh(tanh(cut))) / cut, whose derivative is not that of tanh there.</summary>
    public double Factor { get; init; } = 1 - Math.Tanh(Math.Tanh(1));

    /// <summary>What stands in the logarithm before x, so that both meet.</summary>
    internal double Inner => Math.Exp(Math.Tanh(Cut) / Factor) / Cut;

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Positive("cut", Cut);
        at.Positive("factor", Factor);
        if (!(Cut <= 15))
            throw at.Refusal("cut", $"is {Cut}, but from 15 on tanh is 1 in float64, and has no inverse there");
        if (!double.IsFinite(Inner))
            throw at.Refusal("factor", $"is {Factor}, so small that the logarithm's scale exp(tanh(cut) / factor) is infinite");
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse) =>
        to.Element(this, inverse, shape);

    ElementKernel<T> ICompiledElement.Compile<T>() => new LogTanhKernel<T>(this);
}

/// <summary>z = tanh x up to the cut on either side, and sign(x) factor ln(inner |x|) beyond: a tanh without bounds, as nflows has it.</summary>
public sealed class LogTanh(LogTanhSpec spec) : Bijection(nameof(LogTanh))
{
    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor size = x.abs(), far = size.gt(spec.Cut);
        Tensor near = where(far, zeros_like(x), x), log = where(far, size, ones_like(size)).log();
        Tensor z = where(far, x.sign() * spec.Factor * (log + Math.Log(spec.Inner)), near.tanh());
        Tensor logCosh = near.abs() + (near.abs() * -2).exp().log1p() - Math.Log(2);
        Tensor logDet = where(far, Math.Log(spec.Factor) - log, logCosh * -2);
        return new(z.MoveToOuterDisposeScope(), logDet.flatten(1).sum(1).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor size = z.abs(), far = size.gt(Math.Tanh(spec.Cut));
        Tensor near = where(far, zeros_like(z), z), angle = size / spec.Factor;
        Tensor x = where(far, z.sign() * (angle - Math.Log(spec.Inner)).exp(), near.atanh());
        Tensor logDet = where(far, angle - Math.Log(spec.Factor * spec.Inner), -(near * -near).log1p());
        return new(x.MoveToOuterDisposeScope(), logDet.flatten(1).sum(1).MoveToOuterDisposeScope());
    }
}

/// <summary>The same, written once for both compiled engines: an element without parameters.</summary>
internal readonly struct LogTanhMap(LogTanhSpec spec) : IElementMap
{
    private readonly double cut = spec.Cut, factor = spec.Factor, logInner = Math.Log(spec.Inner);

    public int Scratch => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Forward<V, P>(V x, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V size = V.Abs(x), far = size > V.Of(cut), log = Elementary.Log(V.Select(far, size, V.Of(1)));
        V logCosh = size + Elementary.Log1p(Elementary.Exp(size * V.Of(-2))) - V.Of(Math.Log(2));
        return new(
            V.Select(far, Sign(x) * V.Of(factor) * (log + V.Of(logInner)), Elementary.Tanh(x)),
            V.Select(far, V.Of(Math.Log(factor)) - log, logCosh * V.Of(-2)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Inverse<V, P>(V y, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V size = V.Abs(y), far = size > V.Of(Math.Tanh(cut)), near = V.Select(far, V.Of(0), y), angle = size / V.Of(factor);
        V above = Elementary.Log1p(near), below = Elementary.Log1p(-near); // atanh is half their difference
        return new(
            V.Select(far, Sign(y) * Elementary.Exp(angle - V.Of(logInner)), (above - below) * V.Of(0.5)),
            V.Select(far, angle - V.Of(Math.Log(factor) + logInner), -(above + below)));
    }

    private static V Sign<V>(V value)
        where V : unmanaged, IValue<V> => V.Select(value < V.Of(0), V.Of(-1), V.Of(1));
}

/// <summary>The same on a CPU.</summary>
internal sealed unsafe class LogTanhKernel<T>(LogTanhSpec spec) : PointwiseKernel<T, LogTanhMap>(new(spec))
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly double cut = spec.Cut, factor = spec.Factor;

    public override bool GoesBack => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(T* x, T* parameters, int stride, int count, T* ofY, T* ofLog, T* ofX, T* ofParameters)
    {
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(x + i), size = Vector512.Abs(value), far = Vector512.GreaterThan(size, VectorMath.Of<T>(cut)), tanh = VectorMath.Tanh(value);
            Vector512<T> reciprocal = Vector512<T>.One / VectorMath.Select(far, value, Vector512<T>.One);
            Vector512<T> slope = VectorMath.Select(far, VectorMath.Of<T>(factor) * Vector512.Abs(reciprocal), Vector512<T>.One - tanh * tanh);
            Vector512<T> ofSlope = VectorMath.Select(far, -reciprocal, VectorMath.Of<T>(-2) * tanh);
            (Vector512.Load(ofY + i) * slope + Vector512.Load(ofLog + i) * ofSlope).Store(ofX + i);
        }
    }
}
