using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Half of the channels gate the others, a linear map of the context, where there is one, being added to both before.</summary>
public sealed record GatedUnitSpec : LayerSpec
{
    /// <summary>Whether the weight is stored as a direction and a length, w = g v / |v| (Salimans, Kingma 2016, arXiv 1602.07868).</summary>
    public bool WeightNorm { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        if (place.Width % 2 != 0)
            throw at.Refusal("kind", $"needs an even number of channels, here there are {place.Width}");
        if (place.Context.Width == 0)
            return;
        place.Context.Check(at, place);
        at.Need(WeightNorm ? "weight_v" : "weight", place.Width, place.Context.Width);
        if (WeightNorm)
            at.Need("weight_g", place.Width, 1);
        at.Need("bias", place.Width);
    }

    internal override LayerPlace After(LayerPlace place) => place.Wide(place.Width / 2);

    internal override int? Reach => 0;

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        if (network.Context is not { } context)
            return network.Gated(h, null);
        Formula map = WeightNorm
            ? Formula.Directed(weights.Take("weight_v", h.Units, context.Units), weights.Take("weight_g", h.Units, 1))
            : weights.Take("weight", h.Units, context.Units);
        return network.Gated(h, network.Convolution(context, map, weights.Take("bias", h.Units), new Kernel(1, 1), border: 0, null));
    }
}

/// <summary>
/// tanh(a + A c) sigmoid(b + B c) with h = [a, b], the gate of WaveNet (van den Oord et al. 2016, arXiv 1609.03499). A context of fewer
/// frames is repeated.
/// </summary>
public sealed class GatedUnit : Layer
{
    private readonly Parameter? weight;
    private readonly Parameter? weight_g;
    private readonly Parameter? weight_v;
    private readonly Parameter? bias;

    internal GatedUnit(GatedUnitSpec spec, LayerPlace place) : base(nameof(GatedUnit))
    {
        if (place.Context.Width > 0)
        {
            if (spec.WeightNorm)
            {
                weight_g = new Parameter(ones(place.Width, 1));
                weight_v = new Parameter(zeros(place.Width, place.Context.Width));
            }
            else
                weight = new Parameter(zeros(place.Width, place.Context.Width));
            bias = new Parameter(zeros(place.Width));
        }
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        if (bias is not null)
            h = h + Added(h, context!);
        long half = h.shape[1] / 2;
        return (h.narrow(1, 0, half).tanh() * h.narrow(1, half, half).sigmoid()).MoveToOuterDisposeScope();
    }

    private Tensor Added(Tensor h, Tensor context)
    {
        Tensor map = weight ?? weight_v! * (weight_g! / weight_v!.square().sum([1], keepdim: true).sqrt());
        Tensor added = context.dim() == 4
            ? ImageConvolution.Of(context, map.unsqueeze(-1).unsqueeze(-1), bias)
            : nn.functional.linear(context, map, bias);
        return ContextPlace.At(added, h);
    }
}
