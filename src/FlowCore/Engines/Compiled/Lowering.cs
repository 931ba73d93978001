using System.Numerics;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Training;

namespace FlowCore.Engines.Compiled;

/// <summary>From a program in float64 to one that runs in T, on tiles of so many rows; weights that are packed already are shared.</summary>
/// <param name="tileRows">The most rows in a tile.</param>
/// <param name="packed">The packed weights so far.</param>
/// <param name="learned">Where the weights of a training stand; null where the flow is served.</param>
internal sealed class Lowering<T>(int tileRows, Dictionary<LinearWeights, PackedLinear<T>> packed, WeightLayout? learned = null)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The most rows in a tile.</summary>
    public int TileRows => tileRows;

    /// <summary>Whether the steps go back, too.</summary>
    public bool Trains => learned is not null;

    public PackedLinear<T> Pack(LinearWeights weights)
    {
        // In a training, weights that are equal at its start are not the same.
        if (Trains)
            return new PackedLinear<T>(weights);
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

    /// <summary>A formula's numbers, with room for a vector past the last one.</summary>
    public Numbers<T> Numbers(Formula formula) => Numbers(formula, [.. Enumerable.Range(0, formula.Count)]);

    /// <summary>Some of a formula's numbers; 0 for an index below 0.</summary>
    public Numbers<T> Numbers(Formula formula, int[] indices) => formula.Learns && learned is not null
        ? new(learned.Place(formula, indices), indices.Length)
        : new(Pinned.Of<T>([.. indices.Select(i => i < 0 ? 0 : formula.Values[i])], Vector512<T>.Count), indices.Length);
}
