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

/// <summary>The same, compiled: an element without parameters.</summary>
internal sealed unsafe class SoftclipKernel<T>(double bound) : ElementKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Forward(T* x, T* parameters, int stride, int count, T* y, T* logDerivative)
    {
        CheckPanels(x, parameters, stride, count, y, logDerivative);
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(x + i), widening = Vector512.Abs(value / VectorMath.Of<T>(bound));
            (value / (Vector512<T>.One + widening)).Store(y + i);
            (VectorMath.Of<T>(-2) * VectorMath.Log1p(widening)).Store(logDerivative + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Inverse(T* y, T* parameters, int stride, int count, T* x, T* logDerivative)
    {
        CheckPanels(y, parameters, stride, count, x, logDerivative);
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(y + i), share = Vector512.Abs(value / VectorMath.Of<T>(bound));
            Vector512<T> rest = VectorMath.Select(Vector512.LessThan(share, Vector512<T>.One), Vector512<T>.One - share, Vector512.Create(T.NaN));
            (value / rest).Store(x + i);
            (VectorMath.Of<T>(-2) * VectorMath.Log(rest)).Store(logDerivative + i);
        }
    }

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
