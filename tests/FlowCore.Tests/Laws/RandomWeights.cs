using FlowCore.Bijections;
using FlowCore.Densities;
using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Tests.Laws;

/// <summary>Weights that no training would choose, so that nothing holds by accident of an identity.</summary>
public static class RandomWeights
{
    public static void Fill(Flow flow, ulong seed, double scale = 0.4)
    {
        using var mode = no_grad();
        foreach (var (_, parameter) in flow.named_parameters().OrderBy(p => p.name, StringComparer.Ordinal))
        {
            var values = new double[parameter.numel()];
            Noise.FillNormal(seed++, 0, values.Length, values.AsSpan());
            using Tensor source = TensorRows.From<double>(values, 1, values.Length);
            parameter.copy_(source.reshape(parameter.shape) * scale);
        }
        foreach (var (name, buffer) in flow.named_buffers(true).OrderBy(b => b.name, StringComparer.Ordinal))
            if (name.EndsWith("running_mean", StringComparison.Ordinal) || name.EndsWith("running_var", StringComparison.Ordinal))
                buffer.copy_(full_like(buffer, 0.7));
        foreach (Standardize standardize in flow.Bijections.OfType<Standardize>())
        {
            int features = flow.Spec.Width;
            var means = new double[features];
            var scales = new double[features];
            Noise.FillNormal(seed++, 0, features, means.AsSpan());
            Noise.FillNormal(seed++, 0, features, scales.AsSpan());
            standardize.Set(means, [.. scales.Select(value => Math.Exp(0.5 * value))]);
        }
    }
}
