using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="ScaleShift"/>; scale and shift are fixed weights.</summary>
public sealed record ScaleShiftSpec : BijectionSpec
{
    /// <summary>Whether the shift comes first: z = (x + shift) * scale.</summary>
    public bool ShiftFirst { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Need("scale", shape.Channels);
        at.Need("shift", shape.Channels);
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        double[] scale = weights.Read("scale", shape.Channels);
        Formula factor = Formula.Fixed(scale), shift = Formula.Fixed(weights.Read("shift", shape.Channels));
        to.Affine(
            ShiftFirst ? AffineMap.Scaled(-shift, factor, null) : AffineMap.Scaled(null, factor, shift),
            Formula.Fixed(scale.Sum(value => Math.Log(Math.Abs(value)))), inverse);
    }
}

/// <summary>z = x * scale + shift for each feature, or channel, with fixed scales of either sign: the z-score of an imported flow.</summary>
public sealed class ScaleShift : Bijection
{
    private readonly bool shiftFirst;
    private readonly EventShape shape;
    private readonly Tensor scale;
    private readonly Tensor shift;

    internal ScaleShift(ScaleShiftSpec spec, EventShape shape) : base(nameof(ScaleShift))
    {
        shiftFirst = spec.ShiftFirst;
        this.shape = shape;
        scale = ones(shape.Channels);
        shift = zeros(shape.Channels);
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor factor = shape.OverPixels(scale), offset = shape.OverPixels(shift);
        Tensor z = shiftFirst ? (x + offset) * factor : x * factor + offset;
        return new(z.MoveToOuterDisposeScope(), LogDet(x).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor factor = shape.OverPixels(scale), offset = shape.OverPixels(shift);
        Tensor x = shiftFirst ? z / factor - offset : (z - offset) / factor;
        return new(x.MoveToOuterDisposeScope(), LogDet(z).neg_().MoveToOuterDisposeScope());
    }

    private Tensor LogDet(Tensor rows) =>
        zeros(rows.shape[0], rows.dtype, rows.device) + scale.abs().log().sum() * shape.Pixels;
}
