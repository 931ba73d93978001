using System.Runtime.CompilerServices;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Bijections.Elements;

/// <summary>The two directions of an element as formulas of one value, written once for both compiled engines.</summary>
internal unsafe interface IElementMap
{
    /// <summary>The values that it keeps beside while it computes one.</summary>
    int Scratch { get; }

    /// <summary>y and log|dy/dx|.</summary>
    Mapped<V> Forward<V, P>(V x, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>;

    /// <summary>x and log|dx/dy|.</summary>
    Mapped<V> Inverse<V, P>(V y, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>;
}

/// <summary>What a value becomes, and the logarithm of the derivative's size.</summary>
internal readonly record struct Mapped<V>(V Value, V LogDerivative);

/// <summary>The parameters of the value that is being computed.</summary>
internal interface IParameters<V>
{
    V this[int parameter] { get; }
}

/// <summary>Parameters in panels, vector by vector: parameter p stands so many bytes behind the first one.</summary>
internal readonly unsafe struct Panels<V>(void* first, nint stride) : IParameters<V>
    where V : unmanaged, ILaneValue<V>
{
    public V this[int parameter]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => V.Load((byte*)first + parameter * stride);
    }
}
