using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Checkpoints;

/// <summary>A flow's parameters and buffers, to named weights and back.</summary>
internal static class FlowWeights
{
    public static Dictionary<string, WeightTensor> Take(Flow flow)
    {
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in flow.state_dict())
        {
            using Tensor host = tensor.detach().cpu().contiguous();
            weights[name] = new(TypeOf(tensor.dtype), tensor.shape, host.bytes.ToArray());
        }
        return weights;
    }

    public static void Put(Flow flow, IReadOnlyDictionary<string, WeightTensor> weights)
    {
        using var mode = no_grad();
        // A flow that was trained in float64 keeps its digits; an engine of float32 rounds them, once.
        if (flow.state_dict().Any(entry => entry.Value.dtype == ScalarType.Float32 && weights.GetValueOrDefault(entry.Key) is { Type: WeightType.F64 }))
            flow.to(float64);
        Dictionary<string, Tensor> state = flow.state_dict();
        if (state.Keys.Except(weights.Keys).Order(StringComparer.Ordinal).FirstOrDefault() is { } missing)
            throw new CheckpointException($"tensor '{missing}' is missing; the flow that flow.json describes needs it");
        if (weights.Keys.Except(state.Keys).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
            throw new CheckpointException($"tensor '{unknown}' has no place in the flow that flow.json describes");
        foreach (var (name, target) in state)
        {
            WeightTensor source = weights[name];
            bool widened = source.Type == WeightType.F32 && target.dtype == ScalarType.Float64;
            if (source.Type != TypeOf(target.dtype) && !widened || !source.Shape.AsSpan().SequenceEqual(target.shape))
                throw new CheckpointException(
                    $"tensor '{name}' is {source.Describe()}, the flow needs {TypeOf(target.dtype)} [{string.Join(", ", target.shape)}]");
            CheckFinite(name, source);
            using Tensor values = empty(target.shape, widened ? ScalarType.Float32 : target.dtype);
            source.Data.Span.CopyTo(values.bytes);
            target.copy_(values);
        }
    }

    private static void CheckFinite(string name, WeightTensor tensor)
    {
        int bad = tensor.Type switch
        {
            WeightType.F32 => FirstNonFinite<float>(tensor.Data.Span),
            WeightType.F64 => FirstNonFinite<double>(tensor.Data.Span),
            _ => -1,
        };
        if (bad >= 0)
            throw new CheckpointException($"tensor '{name}' holds NaN or infinity at element {bad}");
    }

    private static int FirstNonFinite<T>(ReadOnlySpan<byte> bytes)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(bytes);
        for (int i = 0; i < values.Length; i++)
            if (!T.IsFinite(values[i]))
                return i;
        return -1;
    }

    private static WeightType TypeOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => WeightType.F32,
        ScalarType.Float64 => WeightType.F64,
        ScalarType.Int64 => WeightType.I64,
        ScalarType.Int32 => WeightType.I32,
        ScalarType.Bool => WeightType.Bool,
        ScalarType.Byte => WeightType.U8,
        _ => throw new CheckpointException($"weights of type {type} are not stored"),
    };
}
