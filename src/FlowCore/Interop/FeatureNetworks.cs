using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;

namespace FlowCore.Interop;

/// <summary>The networks of single features that zuko (MNN, UMNN) and nflows (UMNN) evaluate inside their transforms.</summary>
internal static class FeatureNetworks
{
    public static MonotonicNetworkElementSpec Monotonic(DescribedNode node) =>
        new() { Signal = node["signal"].Int, Hidden = node["hidden"].Ints, Shared = node["shared"].Flag };

    public static IntegralElementSpec Integral(DescribedNode node) => new()
    {
        Signal = node["signal"].Int,
        Hidden = node["hidden"].Ints,
        Shared = node["shared"].Flag,
        Activation = Activation.Parse(node["activation"].Text),
        Normalize = node.Optional("normalize")?.Flag == true,
        Positive = node["positive"].Text switch
        {
            "softclip_exp" => PositiveMap.SoftclipExp,
            "elu_plus_one" => PositiveMap.EluPlusOne,
            var other => throw node.Error($"positive: '{other}' is none of softclip_exp and elu_plus_one"),
        },
        // The same weights mean another function under another bound: zuko's changed between its versions.
        Bound = node.Optional("bound")?.Number ?? 7,
        Quadrature = node["quadrature"].Text switch
        {
            "gauss_legendre" => Quadrature.GaussLegendre,
            "clenshaw_curtis" => Quadrature.ClenshawCurtis,
            var other => throw node.Error($"quadrature: '{other}' is none of gauss_legendre and clenshaw_curtis"),
        },
        Points = node["points"].Int,
    };

    /// <summary>The weights of an element that has networks of its own; none for the others.</summary>
    public static Dictionary<string, WeightTensor> Weights(DescribedNode node, ElementSpec element, ForeignWeights source)
    {
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        if (element is not (MonotonicNetworkElementSpec or IntegralElementSpec))
            return weights;
        foreach (var (prefix, i) in node["layers"].Items.Select((layer, i) => (layer.Text, i)))
        {
            // A network for all features is a stack of one.
            WeightTensor weight = source.Take($"{prefix}.weight");
            if (weight.Shape.Length == 2)
                weight = weight.Reshape(1, weight.Shape[0], weight.Shape[1]);
            weights.Add($"layers.{i}.weight", weight);
            weights.Add($"layers.{i}.bias", source.Take($"{prefix}.bias").Reshape(weight.Shape[0], weight.Shape[1]));
        }
        return weights;
    }
}
