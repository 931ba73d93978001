using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>A convolution along time that keeps the number of frames; zeros stand before the first and behind the last.</summary>
public sealed record TimeConvSpec : LayerSpec
{
    public required int Channels { get; init; }

    /// <summary>The frames that it reads: odd.</summary>
    public int Kernel { get; init; } = 3;

    /// <summary>The distance between the frames that it reads.</summary>
    public int Dilation { get; init; } = 1;

    public bool Bias { get; init; } = true;

    /// <summary>Whether the weight is stored as a direction and a length, w = g v / |v| (Salimans, Kingma 2016, arXiv 1602.07868).</summary>
    public bool WeightNorm { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        int frames = place.NeedsFrames(at);
        at.Width("channels", Channels, frames);
        CheckReach(at, place, Kernel, Dilation);
        at.Need(WeightNorm ? "weight_v" : "weight", Channels, place.Width, Kernel);
        if (WeightNorm)
            at.Need("weight_g", Channels, 1, 1);
        if (Bias)
            at.Need("bias", Channels);
    }

    /// <summary>Refuses a kernel and a dilation that no convolution along time has.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal static void CheckReach(SpecScope at, LayerPlace place, int kernel, int dilation)
    {
        if (kernel % 2 != 1 || kernel is < 1 or > 255)
            throw at.Refusal("kernel", $"must be odd, at most 255, is {kernel}");
        at.Within("dilation", dilation, 1, 1 << 16);
        if (((long)place.Pixels + (kernel - 1L) * dilation) * place.Width is > SpecScope.MostValues and var values)
            throw at.Refusal("kernel", $"needs a border that makes the sequence {values} values, more than {SpecScope.MostValues}");
    }

    internal override LayerPlace After(LayerPlace place) => place.Wide(Channels);

    internal override int? Reach => Kernel / 2 * Dilation;

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        int[] shape = [Channels, h.Units, Kernel];
        Formula kernel = WeightNorm ? Formula.Directed(weights.Take("weight_v", shape), weights.Take("weight_g", Channels, 1, 1)) : weights.Take("weight", shape);
        return network.Convolution(
            h, kernel, Bias ? weights.Take("bias", Channels) : Formula.Repeated(0, Channels), new Kernel(1, Kernel, Dilation), border: 0, order);
    }
}

/// <summary>W * h + b over sequences <c>[batch, channels, 1, frames]</c>.</summary>
public sealed class TimeConv : Layer
{
    private readonly int dilation;
    private readonly Parameter? weight;
    private readonly Parameter? weight_g;
    private readonly Parameter? weight_v;
    private readonly Parameter? bias;

    internal TimeConv(TimeConvSpec spec, LayerPlace place) : base(nameof(TimeConv))
    {
        dilation = spec.Dilation;
        long[] shape = [spec.Channels, place.Width, spec.Kernel];
        if (spec.WeightNorm)
        {
            weight_g = new Parameter(ones(spec.Channels, 1, 1));
            weight_v = new Parameter(zeros(shape));
        }
        else
            weight = new Parameter(zeros(shape));
        bias = spec.Bias ? new Parameter(zeros(spec.Channels)) : null;
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor w = weight ?? weight_v! * (weight_g! / weight_v!.square().sum([1, 2], keepdim: true).sqrt());
        return ImageConvolution.AlongTime(h, w, bias, dilation).MoveToOuterDisposeScope();
    }
}
