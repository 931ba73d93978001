using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Interop;

/// <summary>The network that sbi puts in front of a flow: a z-score of the context, and layers.</summary>
internal static class Embedding
{
    public static Part<LayerSpec[]> Of(DescribedNode? node, ForeignWeights source, int context)
    {
        var layers = new LayerList();
        AddTo(layers, node, source, context);
        return layers.Embedding();
    }

    /// <summary>The layers of a sequence that the exporter describes one by one.</summary>
    /// <param name="layers">The layers so far.</param>
    /// <param name="node">The description, with its <c>layers</c>; null for none.</param>
    /// <param name="source">The weights.</param>
    /// <param name="context">The width of what a z-score normalises.</param>
    /// <param name="under">What stands before every layer's prefix.</param>
    public static void AddTo(LayerList layers, DescribedNode? node, ForeignWeights source, int context, string under = "")
    {
        foreach (DescribedNode layer in node?["layers"].Items ?? [])
            switch (layer["type"].Text)
            {
                case "standardize":
                    layers.Add(new StandardizeLayerSpec(),
                        ("mean", source.Take(layer["mean"].Text).Broadcast(context)), ("scale", source.Take(layer["std"].Text).Broadcast(context)));
                    break;
                case "linear":
                    layers.Linear(source, under + layer["prefix"].Text);
                    break;
                case "layer_norm":
                    layers.LayerNorm(source, under + layer["prefix"].Text, layer);
                    break;
                case "batch_norm":
                    layers.BatchNorm(source, under + layer["prefix"].Text, layer["eps"].Number);
                    break;
                case "identity":
                    break;
                case var function:
                    layers.Activation(Activation.Parse(function));
                    break;
            }
    }
}
