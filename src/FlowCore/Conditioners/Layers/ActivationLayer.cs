using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>A nonlinearity.</summary>
public sealed record ActivationLayerSpec : LayerSpec
{
    public required Activation Function { get; init; }

    internal override bool KeepsUnits => true;

    internal override int? Reach => 0;

    internal override void Check(SpecScope at, LayerPlace place) => Function.Check(at, "function");

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) => Function.Compile(network, h);
}

/// <summary>The nonlinearity, element by element.</summary>
public sealed class ActivationLayer(ActivationLayerSpec spec) : Layer(nameof(ActivationLayer))
{
    public override Tensor Forward(Tensor h, Tensor? context) => spec.Function.Apply(h);
}
