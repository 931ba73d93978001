using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="BatchNorm"/>.</summary>
public sealed record BatchNormSpec : BijectionSpec
{
    public double Epsilon { get; init; } = 1e-5;

    internal override void Check(SpecScope at, EventShape shape)
    {
        int features = at.Vector(shape);
        at.NotNegative("epsilon", Epsilon);
        foreach (string name in (string[])["weight", "bias", "running_mean", "running_var"])
            at.Need(name, features);
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        double[] mean = weights.Read("running_mean", shape.Features), variance = weights.Read("running_var", shape.Features);
        Formula logDeviation = Formula.Fixed([.. variance.Select(v => 0.5 * Math.Log(v + Epsilon))]);
        Formula logScale = (weights.Take("weight", shape.Features).Softplus() + Epsilon).Log() - logDeviation;
        to.Affine(AffineMap.Scaled(Formula.Fixed(mean), logScale.Exp(), weights.Take("bias", shape.Features)), logScale.Sum(), inverse);
    }
}

/// <summary>
/// z = w (x - running_mean) / sqrt(running_var + epsilon) + bias with w = softplus(weight) + epsilon: batch normalisation with
/// the statistics of training, as a bijection (Dinh et al. 2017, section 3.7; nflows).
/// </summary>
public sealed class BatchNorm : Bijection
{
    private readonly double epsilon;
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly Tensor running_mean;
    private readonly Tensor running_var;

    public BatchNorm(BatchNormSpec spec, int features) : base(nameof(BatchNorm))
    {
        epsilon = spec.Epsilon;
        weight = new Parameter(zeros(features));
        bias = new Parameter(zeros(features));
        running_mean = zeros(features);
        running_var = ones(features);
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor z = (x - running_mean) * LogScale().exp() + bias;
        return new(z.MoveToOuterDisposeScope(), LogDet(x).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor x = (z - bias) * (-LogScale()).exp() + running_mean;
        return new(x.MoveToOuterDisposeScope(), LogDet(z).neg_().MoveToOuterDisposeScope());
    }

    private Tensor LogScale() => (ExactSoftplus.Of(weight) + epsilon).log() - 0.5 * (running_var + epsilon).log();

    private Tensor LogDet(Tensor rows) => zeros(rows.shape[0], rows.dtype, rows.device) + LogScale().sum();
}
