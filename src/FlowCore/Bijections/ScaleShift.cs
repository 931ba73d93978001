using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="ScaleShift"/>: none; scale and shift are fixed weights.</summary>
public sealed record ScaleShiftSpec : BijectionSpec;

/// <summary>z = x * scale + shift, feature by feature, with fixed scales of either sign: the z-score of an imported flow.</summary>
public sealed class ScaleShift : Bijection
{
    private readonly Tensor scale;
    private readonly Tensor shift;

    public ScaleShift(int features) : base(nameof(ScaleShift))
    {
        scale = ones(features);
        shift = zeros(features);
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return new((x * scale + shift).MoveToOuterDisposeScope(), LogDet(x).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return new(((z - shift) / scale).MoveToOuterDisposeScope(), LogDet(z).neg_().MoveToOuterDisposeScope());
    }

    private Tensor LogDet(Tensor rows) => zeros(rows.shape[0], rows.dtype, rows.device) + scale.abs().log().sum();
}
