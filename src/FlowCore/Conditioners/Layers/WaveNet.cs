using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Gated convolutions along time with residual connections: the body of a vocoder's network.</summary>
public sealed record WaveNetSpec : LayerSpec
{
    /// <summary>The number of gated convolutions.</summary>
    public required int Blocks { get; init; }

    /// <summary>The frames that each reads: odd.</summary>
    public int Kernel { get; init; } = 3;

    /// <summary>What the dilation grows by from one to the next, from 1 on.</summary>
    public int DilationGrowth { get; init; } = 2;

    /// <summary>Whether a convolution is of each channel by itself, then of all channels at each frame.</summary>
    public bool Separable { get; init; }

    /// <summary>Whether the channels are normalised in front of a separable convolution, with the statistics of training.</summary>
    public bool BatchNorm { get; init; }

    /// <summary>Whether the result is the sum of what every block gives for it, rather than the last state.</summary>
    public bool Skips { get; init; } = true;

    /// <summary>Whether weights are stored as directions and lengths; those of separable convolutions are not.</summary>
    public bool WeightNorm { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsFrames(at);
        at.Within("blocks", Blocks, 1, 64);
        at.Within("dilation_growth", DilationGrowth, 1, 16);
        if (BatchNorm && !Separable)
            throw at.Refusal("batch_norm", "goes with separable convolutions alone");
        for (int i = 0; i < Blocks; i++)
        {
            Check(Gate(i, place.Width), at, $"gate{i}", $"gate{i}", place);
            if (HasResidual(i))
                Pointwise(place.Width).Check(at.In($"residual{i}"), place);
            if (Skips)
                Pointwise(place.Width).Check(at.In($"skip{i}"), place);
        }
    }

    /// <summary>Whether a block changes the state: the last one's would be of no use where only the sum is taken.</summary>
    internal bool HasResidual(int block) => !Skips || block < Blocks - 1;

    internal TimeConvSpec Pointwise(int channels) => new() { Channels = channels, Kernel = 1, WeightNorm = WeightNorm };

    internal LayerSpec[] Gate(int block, int channels)
    {
        int dilation = (int)Math.Min(Math.Pow(DilationGrowth, block), int.MaxValue);
        LayerSpec[] convolution = Separable
            ? [new DepthwiseTimeConvSpec { Kernel = Kernel, Dilation = dilation, BatchNorm = BatchNorm }, new TimeConvSpec { Channels = 2 * channels, Kernel = 1 }]
            : [new TimeConvSpec { Channels = 2 * channels, Kernel = Kernel, Dilation = dilation, WeightNorm = WeightNorm }];
        return [.. convolution, new GatedUnitSpec { WeightNorm = WeightNorm }];
    }

    internal override int? Reach => Enumerable.Range(0, Blocks).Sum(block => Gate(block, 2).Sum(layer => layer.Reach!.Value));

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        int channels = h.Units;
        Node? sum = null;
        for (int i = 0; i < Blocks; i++)
        {
            h.Shared = true;
            Node gated = network.Layers(Gate(i, channels), $"gate{i}", h, weights, null);
            gated.Shared = true;
            if (Skips)
            {
                Node skip = Pointwise(channels).Compile(network, gated, weights.In($"skip{i}"), null);
                sum = sum is null ? skip : network.Sum(sum, skip);
            }
            if (HasResidual(i))
                h = network.Sum(h, Pointwise(channels).Compile(network, gated, weights.In($"residual{i}"), null));
        }
        return sum ?? h;
    }
}

/// <summary>
/// h_(i+1) = h_i + R_i g_i(h_i, context), and the sum of S_i g_i or the last h: g_i is a convolution with a dilation of growth^i in front of
/// a <see cref="GatedUnit"/> (WaveGlow: Prenger et al. 2018, arXiv 1811.00002; separable: SqueezeWave, Zhai et al. 2020, arXiv 2001.05685).
/// </summary>
public sealed class WaveNet : Layer
{
    private readonly ModuleList<Layer>[] gates;
    private readonly Layer?[] residuals;
    private readonly Layer?[] skips;

    internal WaveNet(WaveNetSpec spec, LayerPlace place) : base(nameof(WaveNet))
    {
        gates = new ModuleList<Layer>[spec.Blocks];
        (residuals, skips) = (new Layer?[spec.Blocks], new Layer?[spec.Blocks]);
        for (int i = 0; i < spec.Blocks; i++)
        {
            LayerPlace end = place;
            gates[i] = Network.BuildLayers(spec.Gate(i, place.Width), ref end);
            register_module($"gate{i}", gates[i]);
            if (spec.HasResidual(i))
                register_module($"residual{i}", residuals[i] = new TimeConv(spec.Pointwise(place.Width), place));
            if (spec.Skips)
                register_module($"skip{i}", skips[i] = new TimeConv(spec.Pointwise(place.Width), place));
        }
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        for (int i = 0; i < gates.Length; i++)
        {
            Tensor gated = h;
            foreach (Layer layer in gates[i])
                gated = layer.Forward(gated, context);
            if (skips[i]?.Forward(gated, context) is { } skip)
                sum = sum is null ? skip : sum + skip;
            if (residuals[i]?.Forward(gated, context) is { } update)
                h = h + update;
        }
        return (sum ?? h).MoveToOuterDisposeScope();
    }
}
