using System.Numerics;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Training;

namespace FlowCore.Engines.Compiled.Training;

/// <summary>A parameter, or a part of one, where it is multiplied by; entries that are never learned keep a gradient of 0.</summary>
internal sealed unsafe class ParameterHome<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T[]? mask;

    public ParameterHome(WeightBlock block, LearningRate rate)
    {
        (Block, Rate) = (block, rate);
        if (!Array.Exists(block.Entries, entry => entry < 0))
            return;
        mask = GC.AllocateArray<T>(block.Entries.Length + Vector512<T>.Count, pinned: true);
        for (int i = 0; i < block.Entries.Length; i++)
            if (block.Entries[i] >= 0)
                mask[i] = Vector512<T>.AllBitsSet[0];
    }

    public WeightBlock Block { get; }

    public LearningRate Rate { get; }

    public int Count => Block.Entries.Length;

    public void Put(T[] weights)
    {
        for (int i = 0; i < Count; i++)
            if (Block.Entries[i] >= 0)
                weights[Block.Offset + i] = T.CreateTruncating(Block.Formula.Values[Block.Entries[i]]);
    }

    public void Take(T[] weights)
    {
        for (int i = 0; i < Count; i++)
            if (Block.Entries[i] >= 0)
                Block.Formula.Values[Block.Entries[i]] = double.CreateTruncating(weights[Block.Offset + i]);
    }

    public double[] Read(T[] values, double factor)
    {
        var read = new double[Block.Formula.Count];
        for (int i = 0; i < Count; i++)
            if (Block.Entries[i] >= 0)
                read[Block.Entries[i]] = factor * double.CreateTruncating(values[Block.Offset + i]);
        return read;
    }

    /// <summary>Lets its values in two arrays change places.</summary>
    public void Swap(T[] one, T[] other)
    {
        Span<T> first = one.AsSpan((int)Block.Offset, Count), second = other.AsSpan((int)Block.Offset, Count);
        for (int i = 0; i < first.Length; i++)
            (first[i], second[i]) = (second[i], first[i]);
    }

    /// <summary>One step of AdamW (Loshchilov, Hutter 2019, arXiv 1711.05101).</summary>
    /// <param name="adam">The step.</param>
    /// <param name="weights">All weights.</param>
    /// <param name="averages">Their running means.</param>
    /// <param name="means">The running means of the gradients.</param>
    /// <param name="squares">The running means of their squares.</param>
    /// <param name="gradients">The gradients of this step.</param>
    public void Update(in AdamStep adam, T[] weights, T[] averages, T[] means, T[] squares, T[] gradients)
    {
        T* weight = Pinned.Pointer(weights) + Block.Offset, mean = Pinned.Pointer(means) + Block.Offset;
        T* square = Pinned.Pointer(squares) + Block.Offset, gradient = Pinned.Pointer(gradients) + Block.Offset;
        T* average = Pinned.Pointer(averages) + Block.Offset;
        double rate = adam.Rate * Rate.Share;
        Vector512<T> decay = VectorMath.Of<T>(1 - rate * Rate.Decay), length = VectorMath.Of<T>(-rate * adam.Length);
        Vector512<T> shorten = VectorMath.Of<T>(adam.Shorten), epsilon = VectorMath.Of<T>(adam.Epsilon), nearer = VectorMath.Of<T>(adam.Nearer);
        Vector512<T> beta1 = VectorMath.Of<T>(AdamStep.Beta1), rest1 = VectorMath.Of<T>(1 - AdamStep.Beta1);
        Vector512<T> beta2 = VectorMath.Of<T>(AdamStep.Beta2), rest2 = VectorMath.Of<T>(1 - AdamStep.Beta2);
        // Whole vectors: behind a block's last value stand zeros, which stay zeros.
        for (int i = 0; i < Count; i += Vector512<T>.Count)
        {
            Vector512<T> g = Vector512.Load(gradient + i) * shorten;
            Vector512<T> m = VectorMath.MultiplyAdd(Vector512.Load(mean + i), beta1, g * rest1);
            Vector512<T> v = VectorMath.MultiplyAdd(Vector512.Load(square + i), beta2, g * g * rest2);
            m.Store(mean + i);
            v.Store(square + i);
            Vector512<T> next = VectorMath.MultiplyAdd(m / (Vector512.Sqrt(v) + epsilon), length, Vector512.Load(weight + i) * decay);
            next.Store(weight + i);
            Vector512<T> before = Vector512.Load(average + i);
            VectorMath.MultiplyAdd(next - before, nearer, before).Store(average + i);
        }
    }

    /// <summary>
    /// Adds up the gradients of some shares in the first one's place, in one pass; blanks what is never learned, and returns the sum of the squares of the rest.
    /// </summary>
    public double AddUp(T[][] gradients, int shares)
    {
        Vector512<T> squares = Vector512<T>.Zero;
        T* sum = Pinned.Pointer(gradients[0]) + Block.Offset, dead = mask is null ? null : Pinned.Pointer(mask);
        // Whole vectors: behind a block's last value stand zeros.
        for (int i = 0; i < Count; i += Vector512<T>.Count)
        {
            Vector512<T> g = Vector512.Load(sum + i);
            for (int share = 1; share < shares; share++)
                g += Vector512.Load(Pinned.Pointer(gradients[share]) + Block.Offset + i);
            if (dead is not null)
                g &= Vector512.Load(dead + i);
            g.Store(sum + i);
            squares = VectorMath.MultiplyAdd(g, g, squares);
        }
        return VectorMath.Sum(squares);
    }
}
