using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Layer normalisation without parameters, as zuko has it.</summary>
public sealed record LayerNormSpec : LayerSpec
{
    public double Epsilon { get; init; } = 1e-5;

    internal override bool KeepsUnits => true;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsVector(at);
        at.NotNegative("epsilon", Epsilon);
        if (place.Width < 2)
            throw at.Refusal("kind", "needs at least 2 units: one alone has no variance");
    }

    internal override int[] Known(int[] known, LayerPlace place, WeightScope weights) => [.. Enumerable.Repeat(known.Max(), known.Length)];

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) => network.Normalized(h, Epsilon);
}

/// <summary>(h - mean(h)) / sqrt(var(h) + epsilon) over the features of a row, the variance divided by n - 1.</summary>
public sealed class LayerNorm(LayerNormSpec spec) : Layer(nameof(LayerNorm))
{
    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor centred = h - h.mean([-1], keepdim: true);
        Tensor variance = centred.square().sum(-1, keepdim: true) / (h.shape[^1] - 1);
        return (centred / (variance + spec.Epsilon).sqrt()).MoveToOuterDisposeScope();
    }
}

/// <summary>Batch normalisation with the statistics of training.</summary>
public sealed record BatchNormLayerSpec : LayerSpec
{
    public double Epsilon { get; init; } = 1e-5;

    internal override bool KeepsUnits => true;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        at.NotNegative("epsilon", Epsilon);
        foreach (string name in (string[])["weight", "bias", "running_mean", "running_var"])
            at.Need(name, place.Width);
    }

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        double[] mean = weights.Read("running_mean", h.Units), variance = weights.Read("running_var", h.Units);
        Formula scale = weights.Take("weight", h.Units) * Formula.Fixed([.. variance.Select(v => 1 / Math.Sqrt(v + Epsilon))]);
        if (scale.Learns)
            throw new NotCompiledException("batch_norm: training takes the statistics of the whole batch");
        return network.Scaled(h, AffineMap.Scaled(Formula.Fixed(mean), scale, weights.Take("bias", h.Units)));
    }
}

/// <summary>
/// weight (h - running_mean) / sqrt(running_var + epsilon) + bias, over features, or over the channels of an image. Training
/// feeds the statistics of the batch into the running ones, with momentum 0.1.
/// </summary>
public sealed class BatchNormLayer : Layer
{
    private readonly double epsilon;
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly Tensor running_mean;
    private readonly Tensor running_var;

    internal BatchNormLayer(BatchNormLayerSpec spec, LayerPlace place) : base(nameof(BatchNormLayer))
    {
        epsilon = spec.Epsilon;
        weight = new Parameter(ones(place.Width));
        bias = new Parameter(zeros(place.Width));
        running_mean = zeros(place.Width);
        running_var = ones(place.Width);
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context) =>
        nn.functional.batch_norm(h, running_mean, running_var, weight, bias, training, momentum: 0.1, eps: epsilon);
}

/// <summary>A constant factor.</summary>
public sealed record ScaleLayerSpec : LayerSpec
{
    public required double Factor { get; init; }

    internal override bool KeepsUnits => true;

    internal override void Check(SpecScope at, LayerPlace place) => at.Number("factor", Factor);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) =>
        network.Scaled(h, AffineMap.Scaled(null, Formula.Repeated(Factor, h.Units), null));
}

/// <summary>h * factor.</summary>
public sealed class ScaleLayer(ScaleLayerSpec spec) : Layer(nameof(ScaleLayer))
{
    public override Tensor Forward(Tensor h, Tensor? context) => h * spec.Factor;
}
