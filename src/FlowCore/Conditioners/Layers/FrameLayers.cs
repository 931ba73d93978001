using FlowCore.Bijections;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Repeats each frame: up-sampling by the nearest neighbour.</summary>
public sealed record RepeatFramesSpec : LayerSpec
{
    /// <summary>How often.</summary>
    public required int Factor { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsFrames(at);
        at.Within("factor", Factor, 1, 1 << 12);
    }

    internal override LayerPlace After(LayerPlace place) => place with { Image = (1, place.Pixels * Factor) };

    internal override int? Reach => 0;

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) => network.RepeatedFrames(h, Factor);
}

/// <summary>Frame t of the result is frame t / factor.</summary>
public sealed class RepeatFrames(RepeatFramesSpec spec) : Layer(nameof(RepeatFrames))
{
    public override Tensor Forward(Tensor h, Tensor? context) => h.repeat_interleave(spec.Factor, 3);
}

/// <summary>Puts neighbouring frames side by side as channels, in the order of <see cref="TimeSqueeze"/>.</summary>
public sealed record SqueezeFramesSpec : LayerSpec
{
    /// <summary>How many frames become one.</summary>
    public required int Factor { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        int frames = place.NeedsFrames(at);
        at.Within("factor", Factor, 1, 1 << 12);
        if (frames % Factor != 0)
            throw at.Refusal("factor", $"does not divide {frames} frames: take {frames / Factor * Factor} or {(frames / Factor + 1) * Factor}");
    }

    internal override LayerPlace After(LayerPlace place) => place.Wide((long)place.Width * Factor) with { Image = (1, place.Pixels / Factor) };

    internal override int? Reach => 0;

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) => network.SqueezedFrames(h, Factor);
}

/// <summary>Frame t factor + g of channel c becomes channel c factor + g of frame t.</summary>
public sealed class SqueezeFrames(SqueezeFramesSpec spec) : Layer(nameof(SqueezeFrames))
{
    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return TimeSqueeze.Squeezed(h, spec.Factor).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// A transposed convolution along time, which makes <see cref="Stride"/> frames of each; what it reaches beyond the last of them is cut off.
/// </summary>
public sealed record TransposedTimeConvSpec : LayerSpec
{
    public required int Channels { get; init; }

    /// <summary>The frames that one frame reaches.</summary>
    public required int Kernel { get; init; }

    /// <summary>The frames that are made of one.</summary>
    public required int Stride { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        int frames = place.NeedsFrames(at);
        at.Within("stride", Stride, 1, 1 << 12);
        at.Within("kernel", Kernel, Stride, 1 << 14);
        at.Width("channels", Channels, (int)Math.Min((long)frames * Stride, SpecScope.MostValues));
        at.Need("weight", place.Width, Channels, Kernel);
        at.Need("bias", Channels);
    }

    internal override LayerPlace After(LayerPlace place) => place.Wide(Channels) with { Image = (1, place.Pixels * Stride) };

    internal override int? Reach => (Kernel + Stride - 1) / Stride - 1;

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) =>
        network.Transposed(h, weights.Take("weight", h.Units, Channels, Kernel), weights.Take("bias", Channels), Kernel, Stride);
}

/// <summary>y_(t stride + k) is the sum of W_k h_t, plus b, over sequences <c>[batch, channels, 1, frames]</c>.</summary>
public sealed class TransposedTimeConv : Layer
{
    private readonly int stride;
    private readonly Parameter weight;
    private readonly Parameter bias;

    internal TransposedTimeConv(TransposedTimeConvSpec spec, LayerPlace place) : base(nameof(TransposedTimeConv))
    {
        stride = spec.Stride;
        weight = new Parameter(zeros(place.Width, spec.Channels, spec.Kernel));
        bias = new Parameter(zeros(spec.Channels));
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor y = nn.functional.conv_transpose1d(h.squeeze(2), weight, bias, stride: stride);
        return y.narrow(2, 0, h.shape[3] * stride).unsqueeze(2).MoveToOuterDisposeScope();
    }
}
