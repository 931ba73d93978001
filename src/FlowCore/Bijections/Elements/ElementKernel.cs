using System.Diagnostics;
using System.Numerics;
using System.Runtime.Intrinsics;

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

/// <summary>What an element step runs: a kind of element, or a bijection that treats each value alike.</summary>
internal interface ICompiledElement
{
    ElementKernel<T> Compile<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}
