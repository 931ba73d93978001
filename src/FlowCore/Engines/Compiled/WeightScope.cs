using System.Diagnostics;
using System.Runtime.InteropServices;
using FlowCore.Checkpoints;

namespace FlowCore.Engines.Compiled;

/// <summary>
/// A checkpoint's weights under a prefix, taken by name in float64: what the modules of the other engine are filled with, without
/// libtorch. Names, types and shapes were compared with the description before.
/// </summary>
internal sealed class WeightScope(IReadOnlyDictionary<string, WeightTensor> weights, string prefix = "")
{
    /// <summary>The weights of a part.</summary>
    public WeightScope In(string part) => new(weights, $"{prefix}{part}.");

    public WeightScope In(string list, int index) => In($"{list}.{index}");

    /// <summary>The values of a tensor, row-major; the shape is the one that was compared already.</summary>
    public double[] Take(string name, params ReadOnlySpan<int> shape)
    {
        WeightTensor tensor = weights[prefix + name];
        Debug.Assert(tensor.Shape.Length == shape.Length, prefix + name);
        return tensor.Type == WeightType.F64
            ? MemoryMarshal.Cast<byte, double>(tensor.Data.Span).ToArray()
            : Widened(MemoryMarshal.Cast<byte, float>(tensor.Data.Span));
    }

    /// <summary>A matrix [rows, columns].</summary>
    public double[,] TakeMatrix(string name, int rows, int columns)
    {
        double[] values = Take(name, rows, columns);
        var matrix = new double[rows, columns];
        Buffer.BlockCopy(values, 0, matrix, 0, values.Length * sizeof(double));
        return matrix;
    }

    private static double[] Widened(ReadOnlySpan<float> values)
    {
        var wide = new double[values.Length];
        for (int i = 0; i < wide.Length; i++)
            wide[i] = values[i];
        return wide;
    }
}
