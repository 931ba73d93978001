using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Bijections.Elements;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Kernels;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Softclip"/>.</summary>
public sealed record SoftclipSpec : BijectionSpec, ICompiledElement
{
    public double Bound { get; init; } = 11.0;

    internal override void Check(SpecScope at, EventShape shape) => at.Positive("bound", Bound);

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse) =>
        to.Element(this, inverse, shape);

    ElementKernel<T> ICompiledElement.Compile<T>() => new SoftclipKernel<T>(Bound);
}

/// <summary>z = x / (1 + |x / bound|): takes the real line to (-bound, bound). A latent outside it has no preimage: NaN.</summary>
public sealed class Softclip : Bijection
{
    private readonly double bound;

    public Softclip(SoftclipSpec spec) : base(nameof(Softclip)) => bound = spec.Bound;

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor widening = (x / bound).abs();
        return new(
            (x / (1 + widening)).MoveToOuterDisposeScope(),
            (widening.log1p().flatten(1).sum(1) * -2).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor share = (z / bound).abs();
        Tensor rest = where(share.lt(1), 1 - share, full_like(share, double.NaN));
        return new((z / rest).MoveToOuterDisposeScope(), (rest.log().flatten(1).sum(1) * -2).MoveToOuterDisposeScope());
    }
}

/// <summary>The same, written once for both compiled engines: an element without parameters.</summary>
internal readonly struct SoftclipMap(double bound) : IElementMap
{
    public int Scratch => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Forward<V, P>(V x, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V widening = V.Abs(x / V.Of(bound));
        return new(x / (V.Of(1) + widening), V.Of(-2) * Elementary.Log1p(widening));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Inverse<V, P>(V y, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V share = V.Abs(y / V.Of(bound)), rest = V.Select(share < V.Of(1), V.Of(1) - share, V.Of(double.NaN));
        return new(y / rest, V.Of(-2) * Elementary.Log(rest));
    }
}

/// <summary>The same on a CPU.</summary>
internal sealed unsafe class SoftclipKernel<T>(double bound) : PointwiseKernel<T, SoftclipMap>(new(bound))
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override bool GoesBack => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(T* x, T* parameters, int stride, int count, T* ofY, T* ofLog, T* ofX, T* ofParameters)
    {
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(x + i), rest = Vector512<T>.One / (Vector512<T>.One + Vector512.Abs(value / VectorMath.Of<T>(bound)));
            Vector512<T> sign = VectorMath.Select(Vector512.LessThan(value, Vector512<T>.Zero), -Vector512<T>.One, Vector512<T>.One);
            (Vector512.Load(ofY + i) * rest * rest - Vector512.Load(ofLog + i) * VectorMath.Of<T>(2 / bound) * sign * rest).Store(ofX + i);
        }
    }
}
