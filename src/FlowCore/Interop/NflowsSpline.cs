using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;

namespace FlowCore.Interop;

/// <summary>The rational-quadratic spline as nflows and normflows parametrise it.</summary>
internal static class NflowsSpline
{
    public static SplineElementSpec Of(DescribedNode node)
    {
        // Without tails it is a spline on [0, 1], whatever the bound.
        string? tails = node.Optional("tails")?.Text;
        if (tails is not (null or "linear"))
            throw node.Error($"tails: '{tails}' is none that the library has; it has linear, and null for a box");
        return new()
        {
            Bins = node["bins"].Int,
            Tails = tails is null ? SplineTails.Box : SplineTails.Linear,
            Lower = tails is null ? 0 : null,
            Bound = tails is null ? 1 : node["tail_bound"].Number,
            MinWidth = node.Optional("min_bin_width")?.Number ?? 1e-3,
            MinHeight = node.Optional("min_bin_height")?.Number ?? 1e-3,
            MinSlope = node.Optional("min_derivative")?.Number ?? 1e-3,
            RawScale = node.Optional("softmax_scale_divisor_sqrt_of") is { } hidden ? 1 / Math.Sqrt(hidden.Int) : 1,
        };
    }

    /// <summary>The learned constants of an unconditional spline, <c>[...event, 2K + raw slopes]</c>.</summary>
    public static WeightTensor Constants(ForeignWeights source, string prefix, int[] sizes)
    {
        int values = sizes.Aggregate(1, (product, size) => product * size);
        WeightTensor Each(string name)
        {
            WeightTensor tensor = source.Take($"{prefix}.{name}");
            return tensor.Reshape(values, tensor.Count() / values);
        }
        WeightTensor all = TensorSurgery.SideBySide(Each("unnormalized_widths"), Each("unnormalized_heights"), Each("unnormalized_derivatives"));
        return all.Reshape([.. sizes.Select(size => (long)size), all.Shape[1]]);
    }
}
