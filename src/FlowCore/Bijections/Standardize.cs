using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Standardize"/>: none; mean and scale are weights.</summary>
public sealed record StandardizeSpec : BijectionSpec
{
    internal override void Check(SpecScope at, EventShape shape)
    {
        int features = at.Vector(shape);
        at.Need("mean", features);
        at.Need("scale", features);
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        Formula scale = Formula.Fixed(weights.Read("scale", shape.Features)), mean = Formula.Fixed(weights.Read("mean", shape.Features));
        to.Affine(AffineMap.Scaled(mean, scale.Reciprocal(), null), -scale.Log().Sum(), inverse);
    }
}

/// <summary>
/// z = (x - mean) / scale, feature by feature, fixed by the training data: a part of the flow, so that log densities are in the
/// data's own units.
/// </summary>
public sealed class Standardize : Bijection
{
    private readonly Tensor mean;
    private readonly Tensor scale;

    public Standardize(int features) : base(nameof(Standardize))
    {
        mean = zeros(features);
        scale = ones(features);
        RegisterComponents();
    }

    /// <summary>Takes mean and scale from values, one each for every feature.</summary>
    public void Set(ReadOnlySpan<double> means, ReadOnlySpan<double> scales)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        mean.copy_(tensor(means.ToArray()));
        scale.copy_(tensor(scales.ToArray()));
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return new(((x - mean) / scale).MoveToOuterDisposeScope(), LogDet(x).neg_().MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return new(z.mul(scale).add_(mean).MoveToOuterDisposeScope(), LogDet(z).MoveToOuterDisposeScope());
    }

    private Tensor LogDet(Tensor rows) => zeros(rows.shape[0], rows.dtype, rows.device) + scale.log().sum();
}
