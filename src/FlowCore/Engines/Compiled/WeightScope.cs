using System.Diagnostics;
using System.Runtime.InteropServices;
using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled.Formulas;

namespace FlowCore.Engines.Compiled;

/// <summary>
/// A checkpoint's weights under a prefix, taken by name in float64: what the modules of the other engine are filled with, without
/// libtorch. Names, types and shapes were compared with the description before.
/// </summary>
/// <param name="weights">The checkpoint's weights.</param>
/// <param name="parameters">Those that were taken as parameters of a training, by name; null where the flow is served.</param>
/// <param name="prefix">What the names begin with here.</param>
internal sealed class WeightScope(IReadOnlyDictionary<string, WeightTensor> weights, Dictionary<string, Formula>? parameters = null, string prefix = "")
{
    /// <summary>Whether the flow is in training.</summary>
    public bool Trains => parameters is not null;

    /// <summary>The weights of a part.</summary>
    public WeightScope In(string part) => new(weights, parameters, $"{prefix}{part}.");

    public WeightScope In(string list, int index) => In($"{list}.{index}");

    /// <summary>The values of a parameter, row-major; the shape is the one that was compared already.</summary>
    public Formula Take(string name, params ReadOnlySpan<int> shape)
    {
        double[] values = Read(name, shape);
        if (parameters is null)
            return Formula.Fixed(values);
        if (!parameters.TryGetValue(prefix + name, out Formula? parameter))
            parameters.Add(prefix + name, parameter = Formula.Parameter(prefix + name, values));
        return parameter;
    }

    /// <summary>The values of a tensor that training never changes: statistics, masks, fixed scales.</summary>
    public double[] Read(string name, params ReadOnlySpan<int> shape)
    {
        WeightTensor tensor = weights[prefix + name];
        Debug.Assert(tensor.Shape.Length == shape.Length, prefix + name);
        return tensor.Type == WeightType.F64
            ? MemoryMarshal.Cast<byte, double>(tensor.Data.Span).ToArray()
            : Widened(MemoryMarshal.Cast<byte, float>(tensor.Data.Span));
    }

    private static double[] Widened(ReadOnlySpan<float> values)
    {
        var wide = new double[values.Length];
        for (int i = 0; i < wide.Length; i++)
            wide[i] = values[i];
        return wide;
    }
}
