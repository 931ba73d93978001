using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>A convolution along time of each channel by itself, behind a batch normalisation where that is asked for.</summary>
public sealed record DepthwiseTimeConvSpec : LayerSpec
{
    /// <summary>The frames that it reads: odd.</summary>
    public int Kernel { get; init; } = 3;

    /// <summary>The distance between the frames that it reads.</summary>
    public int Dilation { get; init; } = 1;

    /// <summary>Whether the channels are normalised first, with the statistics of training.</summary>
    public bool BatchNorm { get; init; }

    public double Epsilon { get; init; } = 1e-5;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsFrames(at);
        TimeConvSpec.CheckReach(at, place, Kernel, Dilation);
        at.NotNegative("epsilon", Epsilon);
        at.Need("weight", place.Width, 1, Kernel);
        at.Need("bias", place.Width);
        foreach (string name in BatchNorm ? (string[])["norm_weight", "norm_bias", "running_mean", "running_var"] : [])
            at.Need(name, place.Width);
    }

    internal override int? Reach => Kernel / 2 * Dilation;

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        Formula kernel = weights.Take("weight", h.Units, 1, Kernel), bias = weights.Take("bias", h.Units);
        if (!BatchNorm)
            return network.Depthwise(h, kernel, null, bias, Kernel, Dilation);
        if (weights.Trains)
            throw new NotCompiledException("depthwise_time_conv: training takes the statistics of the whole batch");
        double[] mean = weights.Read("running_mean", h.Units), variance = weights.Read("running_var", h.Units);
        Formula scale = weights.Take("norm_weight", h.Units) * Formula.Fixed([.. variance.Select(v => 1 / Math.Sqrt(v + Epsilon))]);
        int[] channels = [.. Enumerable.Range(0, kernel.Count).Select(i => i / Kernel)];
        // The zeros around the sequence stand behind the normalisation: a frame outside brings no shift.
        Formula shift = weights.Take("norm_bias", h.Units) - Formula.Fixed(mean) * scale;
        return network.Depthwise(h, kernel * scale.Pick(channels), kernel * shift.Pick(channels), bias, Kernel, Dilation);
    }
}

/// <summary>w_c * n(h_c) + b_c over sequences <c>[batch, channels, 1, frames]</c>, with n the normalisation (SqueezeWave: Zhai et al. 2020, arXiv 2001.05685).</summary>
public sealed class DepthwiseTimeConv : Layer
{
    private readonly DepthwiseTimeConvSpec spec;
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly Parameter? norm_weight;
    private readonly Parameter? norm_bias;
    private readonly Tensor? running_mean;
    private readonly Tensor? running_var;

    internal DepthwiseTimeConv(DepthwiseTimeConvSpec spec, LayerPlace place) : base(nameof(DepthwiseTimeConv))
    {
        this.spec = spec;
        weight = new Parameter(zeros(place.Width, 1, spec.Kernel));
        bias = new Parameter(zeros(place.Width));
        if (spec.BatchNorm)
        {
            norm_weight = new Parameter(ones(place.Width));
            norm_bias = new Parameter(zeros(place.Width));
            running_mean = zeros(place.Width);
            running_var = ones(place.Width);
        }
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        if (spec.BatchNorm)
            h = nn.functional.batch_norm(h, running_mean!, running_var!, norm_weight!, norm_bias!, training, momentum: 0.1, eps: spec.Epsilon);
        long frames = h.shape[3], margin = spec.Kernel / 2 * spec.Dilation;
        Tensor padded = nn.functional.pad(h, [margin, margin, 0, 0]), sum = bias.reshape(-1, 1, 1);
        for (int tap = 0; tap < spec.Kernel; tap++)
            sum = sum + weight.select(2, tap).unsqueeze(-1) * padded.narrow(3, tap * spec.Dilation, frames);
        return sum.MoveToOuterDisposeScope();
    }
}
