using FlowCore.Bijections;
using FlowCore.Bijections.Elements;

namespace FlowCore.Interop;

/// <summary>
/// How nflows and glasflow make a scale of a network's raw output a: one of two formulae by name, or what the exporter measured,
/// factor * map(slope * a + offset) + least, cut off at most.
/// </summary>
internal sealed record NflowsScale(AffineElementSpec Element, double Slope, double Offset, double Factor)
{
    public static NflowsScale Of(DescribedNode scale, double epsilon = 0) => scale.Json.ValueKind == System.Text.Json.JsonValueKind.Object
        ? Measured(scale)
        : scale.Text switch
        {
            "softplus(a)+epsilon" => new(new() { Scale = ScaleMap.Softplus, Least = epsilon }, 1, 0, 1),
            "sigmoid(a+2)+1e-3" => new(new() { Scale = ScaleMap.Sigmoid, Least = 1e-3 }, 1, 0, 1),
            "clamp(softplus(a)+1e-3, 0, 3)" => new(new() { Scale = ScaleMap.Softplus, Least = 1e-3, Most = 3 }, 1, 0, 1),
            var other => throw scale.Error($"the scale '{other}' is not supported; supported are softplus(a)+epsilon, "
                + "sigmoid(a+2)+1e-3, clamp(softplus(a)+1e-3, 0, 3), and what flow_export.py measures"),
        };

    private static NflowsScale Measured(DescribedNode scale)
    {
        double factor = scale["factor"].Number, slope = scale["slope"].Number, offset = scale["offset"].Number;
        double least = scale["least"].Number;
        if (!(factor > 0))
            throw scale.Error("factor: must be positive");
        return scale["map"].Text switch
        {
            "exp" => new(new() { Scale = ScaleMap.Exp }, slope, offset, 1),
            "softplus" => new(
                new() { Scale = ScaleMap.Softplus, Least = least, Most = scale.Optional("most")?.Number }, slope, offset, 1),
            // Ours is sigmoid(u + 2) + least; a factor before the sum is one of the data before the coupling.
            "sigmoid" => new(new() { Scale = ScaleMap.Sigmoid, Least = least / factor }, slope, offset - 2, factor),
            // Ours is exp(bound * tanh(u / bound)).
            "tanh" => new(new() { Scale = ScaleMap.Tanh, Bound = factor }, slope * factor, offset * factor, 1),
            var other => throw scale.Error($"map: '{other}' is none of exp, softplus, sigmoid and tanh"),
        };
    }

    /// <summary>Behind a network that emits (shift, a) of each feature: a becomes slope * a + offset.</summary>
    public void Apply(LayerList network, int features)
    {
        if (Slope == 1 && Offset == 0)
            return;
        double[] Pairs(double first, double second) =>
            [.. Enumerable.Repeat((double[])[first, second], features).SelectMany(pair => pair)];
        network.ScaleOutputs(Pairs(1, Slope), Pairs(0, Offset));
    }

    /// <summary>What stands before the coupling, where there is a factor: the transformed features, scaled by it.</summary>
    public Part<BijectionSpec>? Before(int features, int[] transformed)
    {
        if (Factor == 1)
            return null;
        double[] scale = [.. Enumerable.Range(0, features).Select(i => transformed.Contains(i) ? Factor : 1)];
        return Part.Of<BijectionSpec>(new ScaleShiftSpec(),
            ("shift", TensorSurgery.Doubles(new double[features], features)), ("scale", TensorSurgery.Doubles(scale, features)));
    }
}
