using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Half of the channels gate the others, a linear map of the context, where there is one, being added to both before.</summary>
public sealed record GatedUnitSpec : LayerSpec
{
    internal override void Check(SpecScope at, LayerPlace place)
    {
        if (place.Width % 2 != 0)
            throw at.Refusal("kind", $"needs an even number of channels, here there are {place.Width}");
        if (place.Context.Width == 0)
            return;
        place.Context.Check(at, place);
        at.Need("weight", place.Width, place.Context.Width);
        at.Need("bias", place.Width);
    }

    internal override LayerPlace After(LayerPlace place) => place.Wide(place.Width / 2);

    internal override int? Reach => 0;

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        if (network.Context is not { } context)
            return network.Gated(h, null);
        return network.Gated(h, network.Convolution(
            context, weights.Take("weight", h.Units, context.Units), weights.Take("bias", h.Units), new Kernel(1, 1), border: 0, null));
    }
}

/// <summary>
/// tanh(a + A c) sigmoid(b + B c) with h = [a, b], the gate of WaveNet (van den Oord et al. 2016, arXiv 1609.03499). A context of fewer
/// frames is repeated.
/// </summary>
public sealed class GatedUnit : Layer
{
    private readonly Parameter? weight;
    private readonly Parameter? bias;

    internal GatedUnit(LayerPlace place) : base(nameof(GatedUnit))
    {
        if (place.Context.Width > 0)
        {
            weight = new Parameter(zeros(place.Width, place.Context.Width));
            bias = new Parameter(zeros(place.Width));
        }
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        if (weight is not null)
            h = h + Added(h, context!);
        long half = h.shape[1] / 2;
        return (h.narrow(1, 0, half).tanh() * h.narrow(1, half, half).sigmoid()).MoveToOuterDisposeScope();
    }

    private Tensor Added(Tensor h, Tensor context)
    {
        Tensor added = context.dim() == 4
            ? ImageConvolution.Of(context, weight!.unsqueeze(-1).unsqueeze(-1), bias)
            : nn.functional.linear(context, weight!, bias);
        return ContextPlace.At(added, h);
    }
}
