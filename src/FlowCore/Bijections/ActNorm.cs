using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="ActNorm"/>.</summary>
public sealed record ActNormSpec : BijectionSpec
{
    /// <summary>Whether the shift comes first: z = (x + shift) * exp(log_scale).</summary>
    public bool ShiftFirst { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Need("log_scale", shape.Channels);
        at.Need("shift", shape.Channels);
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        Formula logScale = weights.Take("log_scale", shape.Channels), shift = weights.Take("shift", shape.Channels), scale = logScale.Exp();
        to.Affine(ShiftFirst ? AffineMap.Scaled(-shift, scale, null) : AffineMap.Scaled(null, scale, shift), logScale.Sum(), inverse);
    }
}

/// <summary>
/// z = x * exp(log_scale) + shift for each feature, or channel; training sets both from its first batch, so that z starts with
/// mean 0 and standard deviation 1 (Kingma, Dhariwal 2018, "Glow", arXiv 1807.03039).
/// </summary>
public sealed class ActNorm : Bijection
{
    private readonly bool shiftFirst;
    private readonly EventShape shape;
    private readonly Parameter log_scale;
    private readonly Parameter shift;

    internal ActNorm(ActNormSpec spec, EventShape shape) : base(nameof(ActNorm))
    {
        shiftFirst = spec.ShiftFirst;
        this.shape = shape;
        log_scale = new Parameter(zeros(shape.Channels));
        shift = new Parameter(zeros(shape.Channels));
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor scale = shape.OverPixels(log_scale).exp(), offset = shape.OverPixels(shift);
        Tensor z = shiftFirst ? (x + offset) * scale : x * scale + offset;
        return new(z.MoveToOuterDisposeScope(), LogDet(x).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor scale = (-shape.OverPixels(log_scale)).exp(), offset = shape.OverPixels(shift);
        Tensor x = shiftFirst ? z * scale - offset : (z - offset) * scale;
        return new(x.MoveToOuterDisposeScope(), LogDet(z).neg_().MoveToOuterDisposeScope());
    }

    protected override void Initialize(Tensor x, Tensor? context)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor rows = shape.IsImage ? x.transpose(0, 1).flatten(1).t() : x;
        // A column that is constant in this one batch keeps a scale of 1.
        Tensor deviation = rows.std(0, unbiased: false);
        Tensor logScale = where(deviation.gt(1e-6), -deviation.clamp_min(1e-6).log(), zeros_like(deviation));
        log_scale.copy_(logScale);
        shift.copy_(shiftFirst ? -rows.mean([0]) : -rows.mean([0]) * logScale.exp());
    }

    private Tensor LogDet(Tensor rows) => zeros(rows.shape[0], rows.dtype, rows.device) + log_scale.sum() * shape.Pixels;
}
