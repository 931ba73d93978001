using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="ActNorm"/>: none.</summary>
public sealed record ActNormSpec : BijectionSpec;

/// <summary>
/// z = x * exp(log_scale) + shift, feature by feature; training sets both from its first batch, so that z starts with mean 0
/// and standard deviation 1 (Kingma, Dhariwal 2018, "Glow", arXiv 1807.03039).
/// </summary>
public sealed class ActNorm : Bijection
{
    private readonly Parameter log_scale;
    private readonly Parameter shift;

    public ActNorm(int features) : base(nameof(ActNorm))
    {
        log_scale = new Parameter(zeros(features));
        shift = new Parameter(zeros(features));
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return new(x.mul(log_scale.exp()).add_(shift).MoveToOuterDisposeScope(), LogDet(x).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return new(((z - shift) * (-log_scale).exp()).MoveToOuterDisposeScope(), LogDet(z).neg_().MoveToOuterDisposeScope());
    }

    public override void Initialize(Tensor x)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        // A column that is constant in this one batch keeps a scale of 1.
        Tensor deviation = x.std(0, unbiased: false);
        Tensor logScale = where(deviation.gt(1e-6), -deviation.clamp_min(1e-6).log(), zeros_like(deviation));
        log_scale.copy_(logScale);
        shift.copy_(-x.mean([0]) * logScale.exp());
    }

    private Tensor LogDet(Tensor rows) => zeros(rows.shape[0], rows.dtype, rows.device) + log_scale.sum();
}
