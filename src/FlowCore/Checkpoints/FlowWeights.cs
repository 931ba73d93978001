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

    /// <summary>Fills a flow with weights that its description was compared with.</summary>
    public static void Put(Flow flow, IReadOnlyDictionary<string, WeightTensor> weights)
    {
        using var mode = no_grad();
        // A flow that was trained in float64 keeps its digits; an engine of float32 rounds them, once.
        if (flow.state_dict().Any(entry => entry.Value.dtype == ScalarType.Float32 && weights[entry.Key].Type == WeightType.F64))
            flow.to(float64);
        foreach (var (name, target) in flow.state_dict())
        {
            WeightTensor source = weights[name];
            using Tensor values = empty(target.shape, source.Type == WeightType.F32 ? ScalarType.Float32 : ScalarType.Float64);
            source.Data.Span.CopyTo(values.bytes);
            target.copy_(values);
        }
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
