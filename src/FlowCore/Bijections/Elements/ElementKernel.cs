using System.Numerics;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// An element as the compiled engine runs it, over <c>count</c> values at once: parameter p of value i stands at
/// <c>parameters[p * stride + i]</c>. Whole vectors are read and written: all spans have room for one more. Each value is
/// computed by operations of its own lane alone.
/// </summary>
internal abstract unsafe class ElementKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
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
