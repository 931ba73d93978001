using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Interop;

/// <summary>The network that sbi puts in front of a flow: a z-score of the context, and layers.</summary>
internal static class Embedding
{
    public static Part<LayerSpec[]> Of(Node? node, ForeignWeights source, int context)
    {
        var layers = new LayerList();
        AddTo(layers, node, source, context);
        return layers.Embedding();
    }

    /// <summary>The layers of a sequence that the exporter describes one by one.</summary>
    public static void AddTo(LayerList layers, Node? node, ForeignWeights source, int context)
    {
        foreach (Node layer in node?["layers"].Items ?? [])
            switch (layer["type"].Text)
            {
                case "standardize":
                    layers.Add(new StandardizeLayerSpec(),
                        ("mean", source.Take(layer["mean"].Text).Broadcast(context)), ("scale", source.Take(layer["std"].Text).Broadcast(context)));
                    break;
                case "linear":
                    layers.Linear(source, layer["prefix"].Text);
                    break;
                case "identity":
                    break;
                case var function:
                    layers.Activation(Activation.Parse(function));
                    break;
            }
    }
}
