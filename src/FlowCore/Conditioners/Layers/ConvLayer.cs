using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>A convolution that keeps height and width.</summary>
public sealed record ConvLayerSpec : LayerSpec
{
    public required int Channels { get; init; }

    /// <summary>The side of the square kernel: odd.</summary>
    public int Kernel { get; init; } = 3;

    public bool Bias { get; init; } = true;

    /// <summary>What stands around the image: 0, or 1 (Glow's way of telling the network where the edge is).</summary>
    public double Padding { get; init; }

    /// <summary>Whether the weight is stored as a direction and a length, w = g v / |v| (Salimans, Kingma 2016, arXiv 1602.07868).</summary>
    public bool WeightNorm { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsImage(at);
        at.Width("channels", Channels, place.Pixels);
        if (Kernel % 2 != 1 || Kernel is < 1 or > 31)
            throw at.Refusal("kernel", $"must be odd, at most 31, is {Kernel}");
        at.Number("padding", Padding);
        var (height, width) = place.Image!.Value;
        if ((height + Kernel - 1L) * (width + Kernel - 1) * place.Width is > SpecScope.MostValues and var values)
            throw at.Refusal("kernel", $"needs a border that makes the image {values} values, more than {SpecScope.MostValues}");
        at.Need(WeightNorm ? "weight_v" : "weight", Channels, place.Width, Kernel, Kernel);
        if (WeightNorm)
            at.Need("weight_g", Channels, 1, 1, 1);
        if (Bias)
            at.Need("bias", Channels);
    }

    internal override LayerPlace After(LayerPlace place) => place.Wide(Channels);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        int[] shape = [Channels, h.Units, Kernel, Kernel];
        Formula kernel = WeightNorm ? Formula.Directed(weights.Take("weight_v", shape), weights.Take("weight_g", Channels, 1, 1, 1)) : weights.Take("weight", shape);
        return network.Convolution(h, kernel, Bias ? weights.Take("bias", Channels) : Formula.Repeated(0, Channels), new Kernel(Kernel, Kernel), Padding, order);
    }
}

/// <summary>W * h + b over images <c>[batch, channels, height, width]</c>.</summary>
public sealed class ConvLayer : Layer
{
    private readonly ConvLayerSpec spec;
    private readonly Parameter? weight;
    private readonly Parameter? weight_g;
    private readonly Parameter? weight_v;
    private readonly Parameter? bias;

    internal ConvLayer(ConvLayerSpec spec, LayerPlace place) : base(nameof(ConvLayer))
    {
        this.spec = spec;
        long[] shape = [spec.Channels, place.Width, spec.Kernel, spec.Kernel];
        if (spec.WeightNorm)
        {
            weight_g = new Parameter(ones(spec.Channels, 1, 1, 1));
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
        long margin = spec.Kernel / 2;
        Tensor w = weight ?? weight_v! * (weight_g! / weight_v!.square().sum([1, 2, 3], keepdim: true).sqrt());
        Tensor padded = spec.Padding != 0 && margin > 0
            ? nn.functional.pad(h, [margin, margin, margin, margin], PaddingModes.Constant, spec.Padding)
            : h;
        long around = ReferenceEquals(padded, h) ? margin : 0;
        return ImageConvolution.Of(padded, w, bias, around).MoveToOuterDisposeScope();
    }
}
