using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;

namespace FlowCore.Interop;

/// <summary>The rational-quadratic spline as nflows and normflows parametrise it.</summary>
internal static class NflowsSpline
{
    public static SplineElementSpec Of(Node node)
    {
        if (node.Optional("tails") is not { } tails || tails.Json.ValueKind != System.Text.Json.JsonValueKind.String || tails.Text != "linear")
            throw node.Error("tails: only linear tails are supported; a spline on a box has no density outside it");
        return new()
        {
            Bins = node["bins"].Int,
            Bound = node["tail_bound"].Number,
            MinWidth = node.Optional("min_bin_width")?.Number ?? 1e-3,
            MinHeight = node.Optional("min_bin_height")?.Number ?? 1e-3,
            MinSlope = node.Optional("min_derivative")?.Number ?? 1e-3,
            RawScale = node.Optional("softmax_scale_divisor_sqrt_of") is { } hidden ? 1 / Math.Sqrt(hidden.Int) : 1,
        };
    }

    /// <summary>The learned constants of an unconditional spline, <c>[features, 3K - 1]</c>.</summary>
    public static WeightTensor Constants(ForeignWeights source, string prefix) => TensorSurgery.SideBySide(
        source.Take($"{prefix}.unnormalized_widths"), source.Take($"{prefix}.unnormalized_heights"), source.Take($"{prefix}.unnormalized_derivatives"));
}
