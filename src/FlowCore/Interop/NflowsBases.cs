using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>nflows' base distributions.</summary>
internal static class NflowsBases
{
    public static Part<BaseDensitySpec> Of(DescribedNode node, ForeignWeights source, int features)
    {
        switch (node["type"].Text)
        {
            case "standard_normal":
                source.Drop("_distribution._log_z", "net._distribution._log_z");
                return Part.Of<BaseDensitySpec>(new StandardNormalSpec());
            case "box_uniform" when node.Optional("prefix") is { } box:
                source.Drop($"{box.Text}._log_prob_value");
                return Part.Of<BaseDensitySpec>(new BoxUniformSpec(),
                    ("lower", source.Take($"{box.Text}.low").Broadcast(features)), ("upper", source.Take($"{box.Text}.high").Broadcast(features)));
            case "box_uniform":
                WeightTensor Bound(string name) => TensorSurgery.Doubles([.. node[name].Items.Select(value => value.Number)], features);
                return Part.Of<BaseDensitySpec>(new BoxUniformSpec(), ("lower", Bound("lower")), ("upper", Bound("upper")));
            case "diagonal_normal":
                string prefix = node["prefix"].Text;
                source.Drop($"{prefix}._log_z");
                return Part.Of<BaseDensitySpec>(new DiagonalNormalSpec(),
                    ("loc", source.Take($"{prefix}.mean_").Reshape(features)), ("log_scale", source.Take($"{prefix}.log_std_").Reshape(features)));
            case "conditional_diagonal_normal":
                source.Drop($"{node["prefix"].Text}._log_z");
                // Without an encoder the context itself is [mean | log std].
                var layers = new LayerList();
                Embedding.AddTo(layers, node.Optional("encoder"), source, context: 0);
                var (spec, weights) = layers.AfterContext().Network();
                return new(new ConditionalNormalSpec { Conditioner = spec }, weights.ToDictionary(weight => $"conditioner.{weight.Key}", weight => weight.Value, StringComparer.Ordinal));
            case "made_mixture":
                return Mixtures(node, source, features);
            case var other:
                throw node.Error($"the base '{other}' is not supported; supported are standard_normal, box_uniform, diagonal_normal, conditional_diagonal_normal and made_mixture");
        }
    }

    /// <summary>
    /// A masked network's mixture for each feature. sbi's has a feature in front that is always 0, whose mixture is never asked for.
    /// </summary>
    private static Part<BaseDensitySpec> Mixtures(DescribedNode node, ForeignWeights source, int features)
    {
        int components = node["components"].Int, front = node.Optional("zero_in_front")?.Flag == true ? 1 : 0;
        LayerList network = NflowsNetworks.Made(node["net"], source);
        if (front > 0)
            network.SelectInputs([.. Enumerable.Range(front, features)]);
        // The library has each component's three numbers as neighbours.
        network.ReorderOutputs([.. from i in Enumerable.Range(front, features) from p in Enumerable.Range(0, 3) from k in Enumerable.Range(0, components)
            select (i * components + k) * 3 + p]);
        var element = new MixtureElementSpec { Components = components, Least = node["epsilon"].Number };
        int[] order = AutoregressiveOrder.Of(network, features, element.CheckedParameterCount(features));
        var (spec, weights) = network.Network();
        var autoregressive = new AutoregressiveSpec { Element = element, Conditioner = spec, Order = order };
        return new(new FlowBaseSpec { Bijections = [autoregressive] },
            weights.ToDictionary(weight => $"bijections.0.conditioner.{weight.Key}", weight => weight.Value, StringComparer.Ordinal));
    }
}
