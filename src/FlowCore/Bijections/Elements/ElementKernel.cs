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
}

/// <summary>What an element step runs: a kind of element, or a bijection that treats each value alike.</summary>
internal interface ICompiledElement
{
    ElementKernel<T> Compile<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}
