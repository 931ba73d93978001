using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Bijections.Elements;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Kernels;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="LeakyRelu"/>.</summary>
public sealed record LeakyReluSpec : BijectionSpec, ICompiledElement
{
    /// <summary>What negative values are multiplied by.</summary>
    public double Slope { get; init; } = 0.01;

    internal override void Check(SpecScope at, EventShape shape) => at.Positive("slope", Slope);

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse) =>
        to.Element(this, inverse, shape);

    ElementKernel<T> ICompiledElement.Compile<T>() => new LeakyReluKernel<T>(Slope);
}

/// <summary>z = x from 0 on, and slope x below: the log-determinant is ln slope for each negative value.</summary>
public sealed class LeakyRelu : Bijection
{
    private readonly double slope;

    public LeakyRelu(LeakyReluSpec spec) : base(nameof(LeakyRelu)) => slope = spec.Slope;

    public override Mapped Forward(Tensor x, Tensor? context) => Scaled(x, slope);

    public override Mapped Inverse(Tensor z, Tensor? context) => Scaled(z, 1 / slope);

    private static Mapped Scaled(Tensor x, double factor)
    {
        using var scope = NewDisposeScope();
        Tensor below = x.lt(0);
        return new(
            where(below, x * factor, x).MoveToOuterDisposeScope(),
            (below.to(x.dtype).flatten(1).sum(1) * Math.Log(factor)).MoveToOuterDisposeScope());
    }
}

/// <summary>The same, written once for both compiled engines: an element without parameters.</summary>
internal readonly struct LeakyReluMap(double slope) : IElementMap
{
    public int Scratch => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Forward<V, P>(V x, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => Scaled(x, slope);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Inverse<V, P>(V y, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => Scaled(y, 1 / slope);

    private static Mapped<V> Scaled<V>(V x, double factor)
        where V : unmanaged, IValue<V>
    {
        V below = x < V.Of(0);
        return new(V.Select(below, x * V.Of(factor), x), V.Select(below, V.Of(Math.Log(factor)), V.Of(0)));
    }
}

/// <summary>The same on a CPU.</summary>
internal sealed unsafe class LeakyReluKernel<T>(double slope) : PointwiseKernel<T, LeakyReluMap>(new(slope))
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override bool GoesBack => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(T* x, T* parameters, int stride, int count, T* ofY, T* ofLog, T* ofX, T* ofParameters)
    {
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> below = Vector512.LessThan(Vector512.Load(x + i), Vector512<T>.Zero), of = Vector512.Load(ofY + i);
            VectorMath.Select(below, of * VectorMath.Of<T>(slope), of).Store(ofX + i);
        }
    }
}
