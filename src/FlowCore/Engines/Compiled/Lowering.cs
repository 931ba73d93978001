using System.Numerics;
using System.Runtime.CompilerServices;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Engines.Compiled;

/// <summary>From a program in float64 to one that runs in T: rounds the weights once, and shares what two directions have in common.</summary>
internal sealed class Lowering<T>(int tileRows)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Dictionary<LinearWeights, PackedLinear<T>> packed = [];

    /// <summary>The most rows in a tile.</summary>
    public int TileRows => tileRows;

    public PackedLinear<T> Pack(LinearWeights weights)
    {
        if (!packed.TryGetValue(weights, out PackedLinear<T>? found))
            packed.Add(weights, found = new PackedLinear<T>(weights));
        return found;
    }

    /// <summary>The offsets of the rows of a tile, all pixels of the first one, then of the second, ...</summary>
    public int[] Rows(Region region, int[] pixels)
    {
        var offsets = GC.AllocateUninitializedArray<int>(tileRows * pixels.Length, pinned: true);
        for (int row = 0, i = 0; row < tileRows; row++)
            foreach (int pixel in pixels)
                offsets[i++] = row * region.Width + pixel;
        return offsets;
    }

    /// <summary>Values in memory that does not move.</summary>
    public static T[] Pinned(IReadOnlyList<double> values, int padding = 0)
    {
        var pinned = GC.AllocateArray<T>(values.Count + padding, pinned: true);
        for (int i = 0; i < values.Count; i++)
            pinned[i] = T.CreateTruncating(values[i]);
        return pinned;
    }

    public static unsafe T* Pointer(T[] pinned) => (T*)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(pinned));
}
