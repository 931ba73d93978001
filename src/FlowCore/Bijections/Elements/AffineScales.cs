using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// A <see cref="ScaleMap"/> as the compiled engines run it: the log-scale that a raw parameter u stands for, and its derivative by u. A type for
/// each, so that a kernel's loop holds the functions of its own map alone.
/// </summary>
internal unsafe interface IScale
{
    static abstract V LogScale<V, P>(AffineElementSpec spec, P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>;

    static abstract Vector512<T> Slope<T>(AffineElementSpec spec, T* parameters, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

/// <summary><see cref="ScaleMap.None"/>.</summary>
internal readonly unsafe struct NoScale : IScale
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LogScale<V, P>(AffineElementSpec spec, P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => V.Of(0);

    public static Vector512<T> Slope<T>(AffineElementSpec spec, T* parameters, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Vector512<T>.Zero;
}

/// <summary><see cref="ScaleMap.Exp"/>.</summary>
internal readonly unsafe struct ExpScale : IScale
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LogScale<V, P>(AffineElementSpec spec, P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => parameters[1];

    public static Vector512<T> Slope<T>(AffineElementSpec spec, T* parameters, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Vector512<T>.One;
}

/// <summary><see cref="ScaleMap.Tanh"/>.</summary>
internal readonly unsafe struct TanhScale : IScale
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LogScale<V, P>(AffineElementSpec spec, P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => Elementary.Tanh(parameters[1] * V.Of(1 / spec.Bound)) * V.Of(spec.Bound);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Slope<T>(AffineElementSpec spec, T* parameters, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> share = VectorMath.Tanh(Vector512.Load(parameters + stride) * VectorMath.Of<T>(1 / spec.Bound));
        return Vector512<T>.One - share * share;
    }
}

/// <summary><see cref="ScaleMap.RescaledTanh"/>.</summary>
internal readonly unsafe struct RescaledTanhScale : IScale
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LogScale<V, P>(AffineElementSpec spec, P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => parameters[2] * Elementary.Tanh(parameters[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Slope<T>(AffineElementSpec spec, T* parameters, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> share = VectorMath.Tanh(Vector512.Load(parameters + stride));
        return Vector512.Load(parameters + 2 * stride) * (Vector512<T>.One - share * share);
    }
}

/// <summary><see cref="ScaleMap.Softclip"/>.</summary>
internal readonly unsafe struct SoftclipScale : IScale
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LogScale<V, P>(AffineElementSpec spec, P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => parameters[1] / (V.Of(1) + V.Abs(parameters[1]) * V.Of(1 / spec.Bound));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Slope<T>(AffineElementSpec spec, T* parameters, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> widening = Vector512<T>.One + Vector512.Abs(Vector512.Load(parameters + stride)) * VectorMath.Of<T>(1 / spec.Bound);
        return Vector512<T>.One / (widening * widening);
    }
}

/// <summary><see cref="ScaleMap.Sigmoid"/> without a least scale.</summary>
internal readonly unsafe struct SigmoidScale : IScale
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LogScale<V, P>(AffineElementSpec spec, P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => -Elementary.Softplus(-(parameters[1] + V.Of(2)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Slope<T>(AffineElementSpec spec, T* parameters, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => VectorMath.Sigmoid(-(Vector512.Load(parameters + stride) + VectorMath.Of<T>(2)));
}

/// <summary><see cref="ScaleMap.Sigmoid"/> with a least scale.</summary>
internal readonly unsafe struct RaisedSigmoidScale : IScale
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LogScale<V, P>(AffineElementSpec spec, P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => Elementary.Log(Elementary.Sigmoid(parameters[1] + V.Of(2)) + V.Of(spec.Least));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Slope<T>(AffineElementSpec spec, T* parameters, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> far = Vector512.Load(parameters + stride) + VectorMath.Of<T>(2), share = VectorMath.Sigmoid(far);
        return share * VectorMath.Sigmoid(-far) / (share + VectorMath.Of<T>(spec.Least));
    }
}

/// <summary><see cref="ScaleMap.Softplus"/>.</summary>
internal readonly unsafe struct SoftplusScale : IScale
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LogScale<V, P>(AffineElementSpec spec, P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V> => Elementary.Log(Elementary.Softplus(parameters[1]) + V.Of(spec.Least));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Slope<T>(AffineElementSpec spec, T* parameters, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        VectorMath.Sigmoid(Vector512.Load(parameters + stride)) / (VectorMath.Softplus(Vector512.Load(parameters + stride)) + VectorMath.Of<T>(spec.Least));
}
