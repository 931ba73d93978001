using FlowCore.Conditioners.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners;

/// <summary>
/// A network that reads features <c>[batch, inputs]</c> and the context and emits the parameters of a bijection,
/// <c>[batch, outputs]</c>: layers, one after the other. Every kind of conditioner is a list of them.
/// </summary>
public sealed class Network : nn.Module
{
    private readonly ModuleList<Layer> layers;

    internal Network(LayerSpec[] specs, EventShape inputs) : base(nameof(Network))
    {
        LayerPlace place = LayerPlace.Of(inputs);
        layers = BuildLayers(specs, ref place);
        RegisterComponents();
    }

    public IEnumerable<Layer> Layers => layers;

    /// <summary>The last layer, where it is a linear one.</summary>
    public LinearLayer? Last => layers.Count > 0 ? layers[^1] as LinearLayer : null;

    public Tensor Forward(Tensor input, Tensor? context) => Through(layers.Count, input, context);

    /// <summary>All layers but the last.</summary>
    internal Tensor ForwardToLast(Tensor input, Tensor? context) => Through(layers.Count - 1, input, context);

    private Tensor Through(int count, Tensor input, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor h = input;
        for (int i = 0; i < count; i++)
            h = layers[i].Forward(h, context);
        return (count == 0 ? h.alias() : h).MoveToOuterDisposeScope();
    }

    /// <summary>Layers in order; the place goes in as that of the first one and comes out behind the last one.</summary>
    internal static ModuleList<Layer> BuildLayers(LayerSpec[] specs, ref LayerPlace place)
    {
        var layers = new Layer[specs.Length];
        for (int i = 0; i < specs.Length; place = specs[i].After(place), i++)
            layers[i] = FlowBuilder.Build(specs[i], place);
        return nn.ModuleList(layers);
    }
}
