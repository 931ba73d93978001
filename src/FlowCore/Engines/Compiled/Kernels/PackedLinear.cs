using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Formulas;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>out[o] = sum_k matrix[o, k] in[index[k]] + bias[o], in float64, the outputs in the order in which they will stand.</summary>
internal sealed record LinearWeights(Formula Matrix, Formula Bias, int[] Index)
{
    public int Outputs => Bias.Count;

    /// <summary>By their values: a coupling's two directions read the same network, and share its packed form.</summary>
    public bool Equals(LinearWeights? other) =>
        other is not null && Bias.Values.AsSpan().SequenceEqual(other.Bias.Values) && Index.AsSpan().SequenceEqual(other.Index)
        && Matrix.Values.AsSpan().SequenceEqual(other.Matrix.Values);

    public override int GetHashCode() => HashCode.Combine(Outputs, Index.Length, Bias.Values[0], Matrix.Count == 0 ? 0 : Matrix.Values[0]);

    /// <summary>The weight of an output for its k-th input, and whether it is 0 whatever is learned.</summary>
    public double At(int output, int k) => Matrix.Values[output * Index.Length + k];

    public bool IsZero(int output, int k) => Matrix.IsZero(output * Index.Length + k);
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
    private readonly int[][] inputs;
    private readonly int lanes;

    public PackedLinear(LinearWeights weights)
    {
        Outputs = weights.Outputs;
        lanes = Vector512.IsHardwareAccelerated ? Vector512<T>.Count : Vector256<T>.Count;
        int columns = 2 * lanes, count = (weights.Outputs + columns - 1) / columns;
        panels = new Panel[count];
        var index = new List<int>();
        inputs = new int[count][];
        int size = 0; // no more than the file's values and one panel
        for (int p = 0; p < count; p++)
        {
            int first = p * columns, width = Math.Min(columns, weights.Outputs - first);
            inputs[p] = [.. Enumerable.Range(0, weights.Index.Length).Where(k => Reads(weights, first, width, k))];
            // One vector of columns where that is enough.
            int wide = width <= lanes ? 1 : 2;
            int begin = inputs[p].Length == 0 ? 0 : weights.Index[inputs[p][0]];
            bool neighbours = Enumerable.Range(0, inputs[p].Length).All(i => weights.Index[inputs[p][i]] == begin + i);
            panels[p] = new Panel(first, width, wide, inputs[p].Length, size, size + wide * lanes * inputs[p].Length, neighbours ? begin : 0, neighbours ? -1 : index.Count);
            if (!neighbours)
                index.AddRange(inputs[p].Select(k => weights.Index[k]));
            size = panels[p].Bias + wide * lanes;
        }
        Debug.Assert(weights.Matrix.Count == weights.Outputs * weights.Index.Length, "A matrix [outputs, inputs].");
        indices = GC.AllocateUninitializedArray<int>(Math.Max(1, index.Count), pinned: true);
        index.CopyTo(indices);
        memory = GC.AllocateArray<T>(size + Alignment / sizeof(T), pinned: true);
        Fill(weights);
    }

    public ReadOnlySpan<Panel> Panels => panels;

    public int Outputs { get; }

    public int* Indices => (int*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(indices));

    /// <summary>The aligned beginning of the weights.</summary>
    public T* Weights => (T*)(((nuint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(memory)) + Alignment - 1) & ~(nuint)(Alignment - 1));

    private static bool Reads(LinearWeights weights, int first, int width, int k)
    {
        for (int column = 0; column < width; column++)
            if (!weights.IsZero(first + column, k))
                return true;
        return false;
    }

    private void Fill(LinearWeights weights)
    {
        T* target = Weights;
        Debug.Assert(target + panels[^1].Bias + panels[^1].Vectors * lanes <= Pinned.Pointer(memory) + memory.Length, "All panels lie in the memory.");
        for (int p = 0; p < panels.Length; p++)
        {
            Panel panel = panels[p];
            for (int i = 0; i < panel.Depth; i++)
                for (int column = 0; column < panel.Columns; column++)
                    target[panel.Weights + i * panel.Vectors * lanes + column] = T.CreateTruncating(weights.At(panel.First + column, inputs[p][i]));
            for (int column = 0; column < panel.Columns; column++)
                target[panel.Bias + column] = T.CreateTruncating(weights.Bias.Values[panel.First + column]);
        }
    }

    /// <summary>Takes the weights as a training has them now.</summary>
    /// <param name="turned">How they stand there.</param>
    /// <param name="lines">A line for each output.</param>
    /// <param name="bias">The biases.</param>
    public void Refresh(TurnedLinear<T> turned, T* lines, T* bias)
    {
        for (int p = 0; p < panels.Length; p++)
        {
            Panel panel = panels[p];
            T* target = Weights + panel.Weights;
            int stride = panel.Vectors * lanes;
            for (int half = 0; half < panel.Columns; half += lanes)
                Turn(turned, lines + (long)(panel.First + half) * turned.Width, inputs[p], Math.Min(lanes, panel.Columns - half), target + half, stride);
            for (int column = 0; column < panel.Columns; column++)
                Weights[panel.Bias + column] = bias[panel.First + column];
        }
    }

    // Lines of outputs to columns: blocks of sixteen by sixteen where the inputs are neighbours.
    private static void Turn(TurnedLinear<T> turned, T* lines, int[] inputs, int outputs, T* target, int stride)
    {
        int i = 0;
        while (i < inputs.Length)
        {
            int column = turned.Columns[inputs[i]];
            if (typeof(T) == typeof(float) && outputs == Transposition.Side && Transposition.IsFast && i + Transposition.Side <= inputs.Length
                && turned.Columns[inputs[i + Transposition.Side - 1]] == column + Transposition.Side - 1)
            {
                Transposition.Of((float*)lines + column, turned.Width, (float*)target + i * stride, stride);
                i += Transposition.Side;
                continue;
            }
            for (int output = 0; output < outputs; output++)
                target[i * stride + output] = lines[output * turned.Width + column];
            i++;
        }
    }
}

/// <summary>
/// Some columns of a packed matrix: the first one and their number, the vectors they fill, the inputs they read, where their weights
/// and their biases begin, and where the inputs are: neighbours from <see cref="Start"/> on, or listed from <see cref="Index"/> on.
/// </summary>
internal readonly record struct Panel(int First, int Columns, int Vectors, int Depth, int Weights, int Bias, int Start, int Index);
