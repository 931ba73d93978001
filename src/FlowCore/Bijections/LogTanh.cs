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

/// <summary>The same, compiled: an element without parameters.</summary>
internal sealed unsafe class LogTanhKernel<T>(LogTanhSpec spec) : ElementKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly double cut = spec.Cut, factor = spec.Factor, logInner = Math.Log(spec.Inner);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Forward(T* x, T* parameters, int stride, int count, T* y, T* logDerivative)
    {
        CheckPanels(x, parameters, stride, count, y, logDerivative);
        Vector512<T> two = VectorMath.Of<T>(2);
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(x + i), size = Vector512.Abs(value), far = Vector512.GreaterThan(size, VectorMath.Of<T>(cut));
            Vector512<T> log = VectorMath.Log(VectorMath.Select(far, size, Vector512<T>.One)), logCosh = size + VectorMath.Log1p(VectorMath.Exp(size * -two)) - VectorMath.Of<T>(Math.Log(2));
            VectorMath.Select(far, Sign(value) * VectorMath.Of<T>(factor) * (log + VectorMath.Of<T>(logInner)), VectorMath.Tanh(value)).Store(y + i);
            VectorMath.Select(far, VectorMath.Of<T>(Math.Log(factor)) - log, logCosh * -two).Store(logDerivative + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Inverse(T* y, T* parameters, int stride, int count, T* x, T* logDerivative)
    {
        CheckPanels(y, parameters, stride, count, x, logDerivative);
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(y + i), size = Vector512.Abs(value), far = Vector512.GreaterThan(size, VectorMath.Of<T>(Math.Tanh(cut)));
            Vector512<T> near = VectorMath.Select(far, Vector512<T>.Zero, value), angle = size / VectorMath.Of<T>(factor);
            Vector512<T> above = VectorMath.Log1p(near), below = VectorMath.Log1p(-near); // atanh is half their difference
            VectorMath.Select(far, Sign(value) * VectorMath.Exp(angle - VectorMath.Of<T>(logInner)), (above - below) * VectorMath.Of<T>(0.5)).Store(x + i);
            VectorMath.Select(far, angle - VectorMath.Of<T>(Math.Log(factor) + logInner), -(above + below)).Store(logDerivative + i);
        }
    }

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

    private static Vector512<T> Sign(Vector512<T> value) =>
        VectorMath.Select(Vector512.LessThan(value, Vector512<T>.Zero), -Vector512<T>.One, Vector512<T>.One);
}
