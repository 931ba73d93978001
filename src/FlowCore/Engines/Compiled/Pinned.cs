using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FlowCore.Engines.Compiled;

/// <summary>Arrays that do not move.</summary>
internal static unsafe class Pinned
{
    /// <summary>Values, and so many zeros behind them.</summary>
    public static T[] Of<T>(IReadOnlyList<double> values, int padding = 0)
        where T : unmanaged, INumberBase<T>
    {
        var pinned = GC.AllocateArray<T>(values.Count + padding, pinned: true);
        for (int i = 0; i < values.Count; i++)
            pinned[i] = T.CreateTruncating(values[i]);
        return pinned;
    }

    public static T* Pointer<T>(T[] pinned)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));

    /// <summary>The first multiple of 64 bytes.</summary>
    public static T* Aligned<T>(T[] pinned)
        where T : unmanaged => (T*)(((nuint)Pointer(pinned) + 63) & ~(nuint)63);
}
