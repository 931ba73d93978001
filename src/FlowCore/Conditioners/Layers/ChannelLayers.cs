using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Compiled.Steps;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>A learned gain a channel: h * exp(factor * gain), which ends a Glow network.</summary>
public sealed record ChannelGainSpec : LayerSpec
{
    public double Factor { get; init; } = 3.0;

    internal override bool KeepsUnits => true;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsImage(at);
        at.Number("factor", Factor, largest: 100);
        at.Need("gain", place.Width);
    }

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) =>
        network.Scaled(h, AffineMap.Scaled(null, (weights.Take("gain", h.Units) * Factor).Exp(), null));
}

/// <summary>h * exp(factor * gain), channel by channel (Kingma, Dhariwal 2018).</summary>
public sealed class ChannelGain : Layer
{
    private readonly double factor;
    private readonly Parameter gain;

    internal ChannelGain(ChannelGainSpec spec, LayerPlace place) : base(nameof(ChannelGain))
    {
        factor = spec.Factor;
        gain = new Parameter(zeros(place.Width));
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return (h * (gain * factor).exp().reshape(-1, 1, 1)).MoveToOuterDisposeScope();
    }
}

/// <summary>An ActNorm inside a network.</summary>
public sealed record ChannelAffineSpec : LayerSpec
{
    internal override bool KeepsUnits => true;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsImage(at);
        at.Need("log_scale", place.Width);
        at.Need("shift", place.Width);
    }

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) => network.Scaled(
        h, AffineMap.Scaled(null, weights.Take("log_scale", h.Units).Exp(), weights.Take("shift", h.Units)));
}

/// <summary>h * exp(log_scale) + shift, channel by channel.</summary>
public sealed class ChannelAffine : Layer
{
    private readonly Parameter log_scale;
    private readonly Parameter shift;

    internal ChannelAffine(LayerPlace place) : base(nameof(ChannelAffine))
    {
        log_scale = new Parameter(zeros(place.Width));
        shift = new Parameter(zeros(place.Width));
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return (h * log_scale.exp().reshape(-1, 1, 1) + shift.reshape(-1, 1, 1)).MoveToOuterDisposeScope();
    }
}

/// <summary>Puts the negated channels beside the channels.</summary>
public sealed record ConcatNegativeSpec : LayerSpec
{
    internal override void Check(SpecScope at, LayerPlace place)
    {
    }

    internal override int[] Known(int[] known, LayerPlace place, WeightScope weights) => [.. known, .. known];

    internal override LayerPlace After(LayerPlace place) => place.Wide(2L * place.Width);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) => network.Concat(h, network.Map<Negative>(h));
}

/// <summary>[h, -h]: a rectifier behind it keeps both signs.</summary>
public sealed class ConcatNegative() : Layer(nameof(ConcatNegative))
{
    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using Tensor negative = -h;
        return cat([h, negative], 1);
    }
}

/// <summary>Residual blocks whose states are summed through 1 x 1 convolutions: the body of RealNVP's network.</summary>
public sealed record SkipSumSpec : LayerSpec
{
    public required LayerSpec[] Blocks { get; init; }

    public required ConvLayerSpec Skip { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsImage(at);
        LayerPlace end = Check(Blocks, at, "blocks", "blocks", place);
        if (end.Width != place.Width || end.Image != place.Image)
            throw at.Refusal("blocks", $"lead from {place.Width} channels to {end.Width}; they must keep them");
        at.Given(Skip, "skip");
        for (int i = 0; i <= Blocks.Length; i++)
            Skip.Check(at.In("skip", $"skips.{i}"), place);
    }

    internal override LayerPlace After(LayerPlace place) => Skip.After(place);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        Node sum = Skip.Compile(network, Kept(h), weights.In("skips", 0), order);
        for (int i = 0; i < Blocks.Length; i++)
        {
            h = Kept(Blocks[i].Compile(network, h, weights.In("blocks", i), null));
            sum = network.Sum(sum, Skip.Compile(network, h, weights.In("skips", i + 1), order));
        }
        return sum;
    }

    // Two layers read each state: nothing may be folded into it.
    private static Node Kept(Node h)
    {
        h.Shared = true;
        return h;
    }
}

/// <summary>skip_0(h_0) + skip_1(h_1) + ... with h_0 = h and h_i = block_i(h_(i-1)) (Dinh et al. 2017).</summary>
public sealed class SkipSum : Layer
{
    private readonly ModuleList<Layer> blocks;
    private readonly ModuleList<Layer> skips;

    internal SkipSum(SkipSumSpec spec, LayerPlace place) : base(nameof(SkipSum))
    {
        LayerPlace end = place;
        blocks = Network.BuildLayers(spec.Blocks, ref end);
        skips = TorchSharp.torch.nn.ModuleList<Layer>([.. Enumerable.Range(0, spec.Blocks.Length + 1).Select(_ => new ConvLayer(spec.Skip, place))]);
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor sum = skips[0].Forward(h, context);
        Tensor state = h;
        for (int i = 0; i < blocks.Count; i++)
        {
            state = blocks[i].Forward(state, context);
            sum = sum + skips[i + 1].Forward(state, context);
        }
        return sum.MoveToOuterDisposeScope();
    }
}
