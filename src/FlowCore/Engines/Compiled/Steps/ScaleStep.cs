using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>out[to[i]] = (in[from[i]] - before[i]) factor[i] + after[i]: a diagonal affine map. The subtraction comes first: data far from 0 lose nothing.</summary>
internal sealed class ScaleOperation(
    Region input, IReadOnlyList<int> from, Region output, IReadOnlyList<int> to, double[] before, double[] factor, double[] after) : Operation
{
    public override IEnumerable<Region> Regions => [input, output];

    public override Step<T> Lower<T>(Lowering<T> lowering) =>
        new ScaleStep<T>(input, output, Run.Of(from), Run.Of([.. Enumerable.Range(0, to.Count)], to), from.Count, before, factor, after);
}

internal sealed unsafe class ScaleStep<T>(
    Region input, Region output, Run[] from, Run[] to, int count, double[] before, double[] factor, double[] after) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T[] before = Lowering<T>.Pinned(before, Vector512<T>.Count), factor = Lowering<T>.Pinned(factor, Vector512<T>.Count);
    private readonly T[] after = Lowering<T>.Pinned(after, Vector512<T>.Count);
    private readonly int[] places = [.. to.SelectMany(run => Enumerable.Range(run.To, run.Length))];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        const int Chunk = 64;
        T* beside = stackalloc T[Chunk];
        Debug.Assert(count == places.Length && before.Length >= count + Vector512<T>.Count && factor.Length == before.Length && after.Length == before.Length, "A vector is read past the last factor.");
        Debug.Assert(Array.TrueForAll(from, run => run.LiesIn(input.Width, count)) && output.Holds(places), "A run lies within both rows.");
        T* shift = Lowering<T>.Pointer(before), scale = Lowering<T>.Pointer(factor), offset = Lowering<T>.Pointer(after);
        for (int row = 0; row < tile.Rows; row++)
        {
            T* source = tile.At(input) + row * input.Width, target = tile.At(output) + row * output.Width;
            if (from.Length == 1 && to.Length == 1)
            {
                Scale(source + from[0].From, target + to[0].To, shift, scale, offset, count, beside);
                continue;
            }
            // Scattered values: one by one, by the same operations.
            foreach (Run run in from)
                for (int i = 0; i < run.Length; i++)
                    target[places[run.To + i]] = T.FusedMultiplyAdd(source[run.From + i] - shift[run.To + i], scale[run.To + i], offset[run.To + i]);
        }
    }


    private static void Scale(T* source, T* target, T* shift, T* scale, T* offset, int count, T* beside)
    {
        int i = 0;
        for (; i <= count - Vector512<T>.Count; i += Vector512<T>.Count)
            At(source + i, shift + i, scale + i, offset + i).Store(target + i);
        if (i == count)
            return;
        At(source + i, shift + i, scale + i, offset + i).Store(beside);
        for (int lane = 0; i + lane < count; lane++)
            target[i + lane] = beside[lane];
    }

    private static Vector512<T> At(T* source, T* shift, T* scale, T* offset) =>
        VectorMath.MultiplyAdd(Vector512.Load(source) - Vector512.Load(shift), Vector512.Load(scale), Vector512.Load(offset));
}
