using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>Functions of sixteen floats or eight doubles, and sums over them.</summary>
internal static class VectorMath
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Of<T>(double value)
        where T : unmanaged => typeof(T) == typeof(float)
            ? Vector512.Create((float)value).As<float, T>()
            : Vector512.Create(value).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MultiplyAdd<T>(Vector512<T> a, Vector512<T> b, Vector512<T> c)
        where T : unmanaged => typeof(T) == typeof(float)
            ? Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
            : Vector512.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    /// <summary>The larger one; b where either is NaN (maxps and maxpd, whose order of operands says so).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Larger<T>(Vector512<T> a, Vector512<T> b)
        where T : unmanaged => Vector512.MaxNative(a, b);

    /// <summary>a where the mask is set, else b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Select<T>(Vector512<T> mask, Vector512<T> a, Vector512<T> b)
        where T : unmanaged => Vector512.ConditionalSelect(mask, a, b);

    // The functions of Elementary, for whoever computes with vectors as such.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Exp<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ((Vector512<float>)Elementary.Exp<SingleLanes>(x.AsSingle())).As<float, T>()
            : ((Vector512<double>)Elementary.Exp<DoubleLanes>(x.AsDouble())).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Log<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ((Vector512<float>)Elementary.Log<SingleLanes>(x.AsSingle())).As<float, T>()
            : ((Vector512<double>)Elementary.Log<DoubleLanes>(x.AsDouble())).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Log1p<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ((Vector512<float>)Elementary.Log1p<SingleLanes>(x.AsSingle())).As<float, T>()
            : ((Vector512<double>)Elementary.Log1p<DoubleLanes>(x.AsDouble())).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Sigmoid<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ((Vector512<float>)Elementary.Sigmoid<SingleLanes>(x.AsSingle())).As<float, T>()
            : ((Vector512<double>)Elementary.Sigmoid<DoubleLanes>(x.AsDouble())).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Softplus<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ((Vector512<float>)Elementary.Softplus<SingleLanes>(x.AsSingle())).As<float, T>()
            : ((Vector512<double>)Elementary.Softplus<DoubleLanes>(x.AsDouble())).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Tanh<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ((Vector512<float>)Elementary.Tanh<SingleLanes>(x.AsSingle())).As<float, T>()
            : ((Vector512<double>)Elementary.Tanh<DoubleLanes>(x.AsDouble())).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> ExpMinus1<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ((Vector512<float>)Elementary.ExpMinus1<SingleLanes>(x.AsSingle())).As<float, T>()
            : ((Vector512<double>)Elementary.ExpMinus1<DoubleLanes>(x.AsDouble())).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Erf<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ((Vector512<float>)Elementary.Erf<SingleLanes>(x.AsSingle())).As<float, T>()
            : ((Vector512<double>)Elementary.Erf<DoubleLanes>(x.AsDouble())).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Asinh<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ((Vector512<float>)Elementary.Asinh<SingleLanes>(x.AsSingle())).As<float, T>()
            : ((Vector512<double>)Elementary.Asinh<DoubleLanes>(x.AsDouble())).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Sinh<T>(Vector512<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
            ? ((Vector512<float>)Elementary.Sinh<SingleLanes>(x.AsSingle())).As<float, T>()
            : ((Vector512<double>)Elementary.Sinh<DoubleLanes>(x.AsDouble())).As<double, T>();

    /// <summary>The sum of count values in float64: always in the same order, whatever stands behind the last one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe double Sum<T>(T* values, int count)
        where T : unmanaged, INumber<T>
    {
        Vector512<T> sums = Vector512<T>.Zero;
        int i = 0;
        for (; i <= count - Vector512<T>.Count; i += Vector512<T>.Count)
            sums += Vector512.Load(values + i);
        if (i < count)
            sums += Vector512.Load(values + i) & FirstLanes<T>(count - i);
        return Sum(sums);
    }

    /// <summary>All bits set in the first lanes, none in the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> FirstLanes<T>(int count)
        where T : unmanaged, INumber<T> =>
        Vector512.LessThan(Vector512.CreateSequence(T.Zero, T.One), Vector512.Create(T.CreateTruncating(count)));

    /// <summary>The sum of the lanes in float64: halves are added to each other, down to one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum<T>(Vector512<T> values)
        where T : unmanaged
    {
        Vector512<double> wide = typeof(T) == typeof(float)
            ? Vector512.WidenLower(values.AsSingle()) + Vector512.WidenUpper(values.AsSingle())
            : values.AsDouble();
        Vector256<double> four = wide.GetLower() + wide.GetUpper();
        Vector128<double> two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }
}
