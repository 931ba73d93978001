using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>out[o] = sum_k matrix[o, k] in[index[k]] + bias[o], in float64, the outputs in the order in which they will stand.</summary>
internal sealed record LinearWeights(double[,] Matrix, double[] Bias, int[] Index)
{
    public int Outputs => Bias.Length;

    /// <summary>By their values: a coupling's two directions read the same network, and share its packed form.</summary>
    public bool Equals(LinearWeights? other) =>
        other is not null && Bias.AsSpan().SequenceEqual(other.Bias) && Index.AsSpan().SequenceEqual(other.Index) && Values.SequenceEqual(other.Values);

    public override int GetHashCode() => HashCode.Combine(Outputs, Index.Length, Bias[0], Values.IsEmpty ? 0 : Values[0]);

    private ReadOnlySpan<double> Values => Matrix.Length == 0 ? [] : MemoryMarshal.CreateReadOnlySpan(ref Matrix[0, 0], Matrix.Length);
}

/// <summary>
/// Weights as the kernel reads them: panels of two vectors of columns, input by input, 64-byte aligned. A panel leaves out the inputs
/// whose weights are zero in all its columns, which is where the masks of an autoregressive network go.
/// </summary>
internal sealed unsafe class PackedLinear<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Alignment = 64;

    private readonly T[] memory;
    private readonly int[] indices;
    private readonly Panel[] panels;

    public PackedLinear(LinearWeights weights)
    {
        int lanes = Vector512.IsHardwareAccelerated ? Vector512<T>.Count : Vector256<T>.Count;
        int columns = 2 * lanes, count = (weights.Outputs + columns - 1) / columns;
        panels = new Panel[count];
        var index = new List<int>();
        var inputs = new int[count][];
        int size = 0; // no more than the file's values and one panel
        for (int p = 0; p < count; p++)
        {
            int first = p * columns, width = Math.Min(columns, weights.Outputs - first);
            inputs[p] = [.. Enumerable.Range(0, weights.Index.Length).Where(k => Reads(weights.Matrix, first, width, k))];
            // One vector of columns where that is enough.
            int wide = width <= lanes ? 1 : 2;
            int begin = inputs[p].Length == 0 ? 0 : weights.Index[inputs[p][0]];
            bool neighbours = Enumerable.Range(0, inputs[p].Length).All(i => weights.Index[inputs[p][i]] == begin + i);
            panels[p] = new Panel(first, width, wide, inputs[p].Length, size, size + wide * lanes * inputs[p].Length, neighbours ? begin : 0, neighbours ? -1 : index.Count);
            if (!neighbours)
                index.AddRange(inputs[p].Select(k => weights.Index[k]));
            size = panels[p].Bias + wide * lanes;
        }
        Debug.Assert(weights.Matrix.GetLength(0) == weights.Outputs && weights.Matrix.GetLength(1) == weights.Index.Length, "A matrix [outputs, inputs].");
        indices = GC.AllocateUninitializedArray<int>(Math.Max(1, index.Count), pinned: true);
        index.CopyTo(indices);
        memory = GC.AllocateArray<T>(size + Alignment / sizeof(T), pinned: true);
        Fill(weights, inputs, lanes);
    }

    public ReadOnlySpan<Panel> Panels => panels;

    public int* Indices => (int*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(indices));

    /// <summary>The aligned beginning of the weights.</summary>
    public T* Weights => (T*)(((nuint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(memory)) + Alignment - 1) & ~(nuint)(Alignment - 1));

    private static bool Reads(double[,] matrix, int first, int width, int k)
    {
        for (int column = 0; column < width; column++)
            if (matrix[first + column, k] != 0)
                return true;
        return false;
    }

    private void Fill(LinearWeights weights, int[][] inputs, int lanes)
    {
        T* target = Weights;
        Debug.Assert(target + panels[^1].Bias + panels[^1].Vectors * lanes <= Lowering<T>.Pointer(memory) + memory.Length, "All panels lie in the memory.");
        for (int p = 0; p < panels.Length; p++)
        {
            Panel panel = panels[p];
            for (int i = 0; i < panel.Depth; i++)
                for (int column = 0; column < panel.Columns; column++)
                    target[panel.Weights + i * panel.Vectors * lanes + column] = T.CreateTruncating(weights.Matrix[panel.First + column, inputs[p][i]]);
            for (int column = 0; column < panel.Columns; column++)
                target[panel.Bias + column] = T.CreateTruncating(weights.Bias[panel.First + column]);
        }
    }
}

/// <summary>
/// Some columns of a packed matrix: the first one and their number, the vectors they fill, the inputs they read, where their weights
/// and their biases begin, and where the inputs are: neighbours from <see cref="Start"/> on, or listed from <see cref="Index"/> on.
/// </summary>
internal readonly record struct Panel(int First, int Columns, int Vectors, int Depth, int Weights, int Bias, int Start, int Index);
