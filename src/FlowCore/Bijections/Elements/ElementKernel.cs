using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// An element as the compiled engine runs it, over <c>count</c> values at once: parameter p of value i stands at
/// <c>parameters[p * stride + i]</c>. Whole vectors are read and written: all spans have room for one more. Each value is
/// computed by operations of its own lane alone.
/// </summary>
internal abstract unsafe class ElementKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>What a caller promises: dense panels, each at a multiple of a vector, with room for a vector past the last value.</summary>
    [Conditional("DEBUG")]
    protected static void CheckPanels(T* from, T* parameters, int stride, int count, T* to, T* logDerivative)
    {
        Debug.Assert(count > 0 && stride >= count + Vector512<T>.Count, "A panel has room for a vector past its last value.");
        Debug.Assert(((nuint)from | (nuint)parameters | (nuint)to | (nuint)logDerivative) % 64 == 0, "Panels begin at multiples of 64 bytes.");
        Debug.Assert(from + stride <= to && to + stride <= logDerivative && logDerivative + stride <= parameters, "Panels do not overlap.");
    }

    /// <summary>y and log|dy/dx| of each x.</summary>
    public abstract void Forward(T* x, T* parameters, int stride, int count, T* y, T* logDerivative);

    /// <summary>x and log|dx/dy| of each y.</summary>
    public abstract void Inverse(T* y, T* parameters, int stride, int count, T* x, T* logDerivative);

    /// <summary>Writes one of the directions as a function of a kernel's text; returns its name.</summary>
    /// <exception cref="NotCompiledException">It has no form for GPUs.</exception>
    public virtual string Emit(KernelText text, bool inverse) =>
        throw new NotCompiledException($"{GetType().Name[..GetType().Name.IndexOf("Kernel", StringComparison.Ordinal)]} has no form for GPUs");

    /// <summary>Adds the weights of its own to the numbers that a kernel reads; returns where they begin, for the function to find by <c>p.weight(i)</c>.</summary>
    public virtual int EmitWeights(KernelText text) => 0;

    /// <summary>Whether a training can go back through it.</summary>
    public virtual bool GoesBack => false;

    /// <summary>
    /// The way back from y and log|dy/dx|, whose adjoints are a and b: a dy/dx + b d log|dy/dx| / dx, and the same by each of the
    /// parameters.
    /// </summary>
    public virtual void Back(T* x, T* parameters, int stride, int count, T* ofY, T* ofLog, T* ofX, T* ofParameters) =>
        throw new NotSupportedException($"{GetType().Name} has no way back");

    /// <summary>
    /// The way back from x and log|dx/dy|: with y = f(x; u) and l = log|dy/dx| = -log|dx/dy|, the adjoint of y is that of x, l's share
    /// taken out, over dy/dx, and f's parameters see its negative.
    /// </summary>
    /// <param name="x">What the inverse gave.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="stride">The distance between panels.</param>
    /// <param name="count">The number of values.</param>
    /// <param name="ofX">The adjoint of x; written over.</param>
    /// <param name="ofLog">The adjoint of log|dx/dy|; written over.</param>
    /// <param name="ofY">The adjoint of y.</param>
    /// <param name="ofParameters">The adjoints of the parameters.</param>
    public void InverseBack(T* x, T* parameters, int stride, int count, T* ofX, T* ofLog, T* ofY, T* ofParameters)
    {
        int lanes = Vector512<T>.Count;
        T* none = stackalloc T[lanes], one = stackalloc T[lanes], slope = stackalloc T[lanes], bend = stackalloc T[lanes];
        Vector512<T>.Zero.Store(none);
        Vector512<T>.One.Store(one);
        for (int i = 0; i < count; i += lanes)
        {
            Back(x + i, parameters + i, stride, lanes, one, none, slope, ofParameters + i);
            Back(x + i, parameters + i, stride, lanes, none, one, bend, ofParameters + i);
            Vector512<T> ofLogs = Vector512.Load(ofLog + i), ofYs = (Vector512.Load(ofX + i) - ofLogs * Vector512.Load(bend)) / Vector512.Load(slope);
            (-ofYs).Store(ofX + i);
            (-ofLogs).Store(ofLog + i);
            Back(x + i, parameters + i, stride, lanes, ofX + i, ofLog + i, slope, ofParameters + i);
            ofYs.Store(ofY + i);
        }
    }
}

/// <summary>An element whose values are computed each on its own, by one formula for both compiled engines.</summary>
internal unsafe class PointwiseKernel<T, TMap>(TMap map) : ElementKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TMap : struct, IElementMap
{
    /// <summary>The formula.</summary>
    protected TMap Map => map;

    public override void Forward(T* x, T* parameters, int stride, int count, T* y, T* logDerivative)
    {
        CheckPanels(x, parameters, stride, count, y, logDerivative);
        if (typeof(T) == typeof(float))
            Forward<SingleLanes>(x, parameters, stride * sizeof(T), count * sizeof(T), y, logDerivative);
        else
            Forward<DoubleLanes>(x, parameters, stride * sizeof(T), count * sizeof(T), y, logDerivative);
    }

    public override void Inverse(T* y, T* parameters, int stride, int count, T* x, T* logDerivative)
    {
        CheckPanels(y, parameters, stride, count, x, logDerivative);
        if (typeof(T) == typeof(float))
            Inverse<SingleLanes>(y, parameters, stride * sizeof(T), count * sizeof(T), x, logDerivative);
        else
            Inverse<DoubleLanes>(y, parameters, stride * sizeof(T), count * sizeof(T), x, logDerivative);
    }

    // In bytes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Forward<V>(void* x, void* parameters, nint stride, nint count, void* y, void* logDerivative)
        where V : unmanaged, ILaneValue<V>
    {
        V* scratch = stackalloc V[map.Scratch];
        for (nint i = 0; i < count; i += sizeof(V))
        {
            Mapped<V> mapped = map.Forward(V.Load((byte*)x + i), new Panels<V>((byte*)parameters + i, stride), scratch);
            V.Store(mapped.Value, (byte*)y + i);
            V.Store(mapped.LogDerivative, (byte*)logDerivative + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Inverse<V>(void* y, void* parameters, nint stride, nint count, void* x, void* logDerivative)
        where V : unmanaged, ILaneValue<V>
    {
        V* scratch = stackalloc V[map.Scratch];
        for (nint i = 0; i < count; i += sizeof(V))
        {
            Mapped<V> mapped = map.Inverse(V.Load((byte*)y + i), new Panels<V>((byte*)parameters + i, stride), scratch);
            V.Store(mapped.Value, (byte*)x + i);
            V.Store(mapped.LogDerivative, (byte*)logDerivative + i);
        }
    }

    public override string Emit(KernelText text, bool inverse) => text.Function("element", name =>
    {
        var (body, results) = Term.Write(text.IsSingle, () =>
        {
            Term* scratch = stackalloc Term[map.Scratch];
            Term value = Term.Named("value");
            var (mapped, slope) = inverse
                ? map.Inverse<Term, NamedParameters>(value, default, scratch)
                : map.Forward<Term, NamedParameters>(value, default, scratch);
            return [mapped, slope];
        });
        return $"template<class P> WORD N {name}(N value, P p, N &log_derivative)\n{{\n{body}    log_derivative = {results[1]};\n    return {results[0]};\n}}\n";
    });
}

/// <summary>What an element step runs: a kind of element, or a bijection that treats each value alike.</summary>
internal interface ICompiledElement
{
    ElementKernel<T> Compile<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}
