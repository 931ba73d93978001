using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>nflows' base distributions.</summary>
internal static class NflowsBases
{
    public static Part<BaseDensitySpec> Of(Node node, ForeignWeights source, int features)
    {
        switch (node["type"].Text)
        {
            case "standard_normal":
                source.Drop("_distribution._log_z", "net._distribution._log_z");
                return Part.Of<BaseDensitySpec>(new StandardNormalSpec());
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
            case var other:
                throw node.Error($"the base '{other}' is not supported; supported are standard_normal, diagonal_normal and conditional_diagonal_normal");
        }
    }
}
