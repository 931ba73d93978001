using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Training;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>out[to[i]] = (in[from[i]] - before[i]) factor[i] + after[i]: a diagonal affine map. The subtraction comes first: data far from 0 lose nothing.</summary>
internal sealed class ScaleOperation(
    Region input, IReadOnlyList<int> from, Region output, IReadOnlyList<int> to, Formula before, Formula factor, Formula after) : Operation
{
    public override IEnumerable<Region> Regions => [input, output];

    public override Step<T> Lower<T>(Lowering<T> lowering) => new ScaleStep<T>(
        input, Run.Of(from), output, Run.Of([.. Enumerable.Range(0, to.Count)], to), from.Count,
        lowering.Numbers(before), lowering.Numbers(factor), lowering.Numbers(after));

    public override void Emit(KernelText text)
    {
        Debug.Assert(input != output, "No thread writes where another one reads.");
        text.Use("""
            template<class TILE>
            APART void scale(TILE tile, int count, Places from, Places to, const N *before, const N *factor, const N *after)
            {
                PHASE EACH(count)
                    tile.at(to(VALUE), ROW) = multiply_add(tile.at(from(VALUE), ROW) - before[VALUE], factor[VALUE], after[VALUE]);
            }
            """);
        string At(Formula formula) => $"a.numbers + {text.Place(formula.Values)}";
        text.Line($"scale(tile, {from.Count}, {text.Places(input, from)}, {text.Places(output, to)}, {At(before)}, {At(factor)}, {At(after)});");
    }
}

internal sealed unsafe class ScaleStep<T>(
    Region input, Run[] from, Region output, Run[] to, int count, Numbers<T> before, Numbers<T> factor, Numbers<T> after) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int[] places = [.. to.SelectMany(run => Enumerable.Range(run.To, run.Length))];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        const int Chunk = 64;
        T* beside = stackalloc T[Chunk];
        Debug.Assert(count == places.Length && before.Count == count && factor.Count == count && after.Count == count, "A vector is read past the last factor.");
        int width = input.Width;
        Debug.Assert(Array.TrueForAll(from, run => run.LiesIn(width, count)) && output.Holds(places), "A run lies within both rows.");
        T* shift = before.At(tile), scale = factor.At(tile), offset = after.At(tile);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        T* shift = before.At(tile), scale = factor.At(tile);
        for (int row = 0; row < tile.Rows; row++)
        {
            T* source = tile.At(input) + row * input.Width, sourceAdjoint = tile.At(input.Adjoint) + row * input.Adjoint.Width;
            T* adjoint = tile.At(output.Adjoint) + row * output.Adjoint.Width;
            if (from.Length == 1 && to.Length == 1)
            {
                Back(tile, source + from[0].From, sourceAdjoint + from[0].From, adjoint + to[0].To, 0, count, shift, scale);
                continue;
            }
            foreach (Run run in from)
                for (int i = run.To; i < run.To + run.Length; i++)
                    Back(tile, source + run.From + i - run.To, sourceAdjoint + run.From + i - run.To, adjoint + places[i], i, 1, shift, scale);
        }
    }

    private void Back(in Tile<T> tile, T* source, T* sourceAdjoint, T* adjoint, int first, int n, T* shift, T* scale)
    {
        T* ofShift = before.Learns ? before.Gradient(tile) + first : null, ofScale = factor.Learns ? factor.Gradient(tile) + first : null;
        T* ofOffset = after.Learns ? after.Gradient(tile) + first : null;
        shift += first;
        scale += first;
        int i = 0;
        for (; i <= n - Vector512<T>.Count; i += Vector512<T>.Count)
        {
            Vector512<T> outer = Vector512.Load(adjoint + i), inner = outer * Vector512.Load(scale + i);
            (Vector512.Load(sourceAdjoint + i) + inner).Store(sourceAdjoint + i);
            if (ofScale is not null)
                (Vector512.Load(ofScale + i) + outer * (Vector512.Load(source + i) - Vector512.Load(shift + i))).Store(ofScale + i);
            if (ofOffset is not null)
                (Vector512.Load(ofOffset + i) + outer).Store(ofOffset + i);
            if (ofShift is not null)
                (Vector512.Load(ofShift + i) - inner).Store(ofShift + i);
        }
        for (; i < n; i++)
        {
            T inner = adjoint[i] * scale[i];
            sourceAdjoint[i] += inner;
            if (ofScale is not null)
                ofScale[i] += adjoint[i] * (source[i] - shift[i]);
            if (ofOffset is not null)
                ofOffset[i] += adjoint[i];
            if (ofShift is not null)
                ofShift[i] -= inner;
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
