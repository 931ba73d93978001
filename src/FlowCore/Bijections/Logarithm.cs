using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Bijections.Elements;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Kernels;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Logarithm"/>, which has none.</summary>
public sealed record LogarithmSpec : BijectionSpec, ICompiledElement
{
    internal override void Check(SpecScope at, EventShape shape)
    {
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse) =>
        to.Element(this, inverse, shape);

    ElementKernel<T> ICompiledElement.Compile<T>() => new LogarithmKernel<T>();
}

/// <summary>
/// z = ln x: takes positive values to the real line. At 0 and below the density is zero: the log-determinant is -infinity there.
/// </summary>
public sealed class Logarithm() : Bijection(nameof(Logarithm))
{
    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor inside = x.gt(0);
        Tensor z = where(inside, x, ones_like(x)).log();
        Tensor logDet = where(inside, -z, full_like(z, double.NegativeInfinity));
        return new(z.MoveToOuterDisposeScope(), logDet.flatten(1).sum(1).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return new(z.exp().MoveToOuterDisposeScope(), z.flatten(1).sum(1).MoveToOuterDisposeScope());
    }
}

/// <summary>The same, written once for both compiled engines: an element without parameters.</summary>
internal readonly struct LogarithmMap : IElementMap
{
    public int Scratch => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Forward<V, P>(V x, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V inside = x > V.Of(0), z = Elementary.Log(V.Select(inside, x, V.Of(1)));
        return new(z, V.Select(inside, -z, V.Of(double.NegativeInfinity)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Inverse<V, P>(V y, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => new(Elementary.Exp(y), y);
}

/// <summary>The same on a CPU.</summary>
internal sealed unsafe class LogarithmKernel<T>() : PointwiseKernel<T, LogarithmMap>(new())
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override bool GoesBack => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(T* x, T* parameters, int stride, int count, T* ofY, T* ofLog, T* ofX, T* ofParameters)
    {
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(x + i), inside = Vector512.GreaterThan(value, Vector512<T>.Zero);
            VectorMath.Select(inside, (Vector512.Load(ofY + i) - Vector512.Load(ofLog + i)) / value, Vector512<T>.Zero).Store(ofX + i);
        }
    }
}
