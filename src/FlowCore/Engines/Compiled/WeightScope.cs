using System.Runtime.InteropServices;
using FlowCore.Checkpoints;

namespace FlowCore.Engines.Compiled;

/// <summary>
/// A checkpoint's weights under a prefix, taken by name, shape and type, each once, in float64: what the modules of the other
/// engine are filled with, without libtorch.
/// </summary>
internal sealed class WeightScope
{
    private readonly IReadOnlyDictionary<string, WeightTensor> weights;
    private readonly HashSet<string> taken;
    private readonly string prefix;

    public WeightScope(IReadOnlyDictionary<string, WeightTensor> weights) : this(weights, new(StringComparer.Ordinal), "")
    {
    }

    private WeightScope(IReadOnlyDictionary<string, WeightTensor> weights, HashSet<string> taken, string prefix) =>
        (this.weights, this.taken, this.prefix) = (weights, taken, prefix);

    /// <summary>The weights of a part.</summary>
    public WeightScope In(string part) => new(weights, taken, $"{prefix}{part}.");

    public WeightScope In(string list, int index) => In($"{list}.{index}");

    /// <summary>The values of a float32 tensor of this shape, or a float64 one, row-major.</summary>
    /// <exception cref="CheckpointException">It is missing, has another shape or type, or holds NaN or infinity.</exception>
    public double[] Take(string name, params ReadOnlySpan<int> shape) => Take(name, WeightType.F32, shape);

    public double[] Take(string name, WeightType type, params ReadOnlySpan<int> shape)
    {
        string full = prefix + name;
        if (!weights.TryGetValue(full, out WeightTensor? tensor))
            throw new CheckpointException($"tensor '{full}' is missing; the flow that flow.json describes needs it");
        var wanted = new long[shape.Length];
        for (int i = 0; i < wanted.Length; i++)
            wanted[i] = shape[i];
        if (tensor.Type is not (WeightType.F32 or WeightType.F64) || !tensor.Shape.AsSpan().SequenceEqual(wanted))
            throw new CheckpointException($"tensor '{full}' is {tensor.Describe()}, the flow needs {type} [{string.Join(", ", wanted)}]");
        taken.Add(full);
        double[] values = tensor.Type == WeightType.F64
            ? MemoryMarshal.Cast<byte, double>(tensor.Data.Span).ToArray()
            : Widened(MemoryMarshal.Cast<byte, float>(tensor.Data.Span));
        int bad = Array.FindIndex(values, value => !double.IsFinite(value));
        return bad < 0 ? values : throw new CheckpointException($"tensor '{full}' holds NaN or infinity at element {bad}");
    }

    /// <summary>A matrix [rows, columns].</summary>
    public double[,] TakeMatrix(string name, int rows, int columns)
    {
        double[] values = Take(name, rows, columns);
        var matrix = new double[rows, columns];
        Buffer.BlockCopy(values, 0, matrix, 0, values.Length * sizeof(double));
        return matrix;
    }

    /// <exception cref="CheckpointException">A tensor was not taken: it has no place in the flow.</exception>
    public void CheckAllTaken()
    {
        if (weights.Keys.Where(name => !taken.Contains(name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
            throw new CheckpointException($"tensor '{unknown}' has no place in the flow that flow.json describes");
    }

    private static double[] Widened(ReadOnlySpan<float> values)
    {
        var wide = new double[values.Length];
        for (int i = 0; i < wide.Length; i++)
            wide[i] = values[i];
        return wide;
    }
}
