using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>Vectors of which fewer numbers may be left than they have lanes: what lies behind those is neither read nor written.</summary>
internal static unsafe class PartVector
{
    /// <summary>A mask of the first lanes, so many.</summary>
    public static Vector512<T> First<T>(int count)
        where T : unmanaged, INumber<T> => Vector512.LessThan(Vector512<T>.Indices, Vector512.Create(T.CreateChecked(count)));

    /// <summary>The numbers that are left, and zeros behind them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Load<T>(T* from, int left)
        where T : unmanaged, INumber<T> => left >= Vector512<T>.Count ? Vector512.Load(from) : LoadPart(from, left);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(Vector512<T> values, T* to, int left)
        where T : unmanaged, INumber<T>
    {
        if (left >= Vector512<T>.Count)
            values.Store(to);
        else
            for (int i = 0; i < left; i++)
                to[i] = values[i];
    }

    private static Vector512<T> LoadPart<T>(T* from, int left)
        where T : unmanaged, INumber<T>
    {
        T* beside = stackalloc T[Vector512<T>.Count];
        for (int i = 0; i < Vector512<T>.Count; i++)
            beside[i] = i < left ? from[i] : T.Zero;
        return Vector512.Load(beside);
    }
}
