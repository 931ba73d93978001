using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Softclip"/>.</summary>
public sealed record SoftclipSpec : BijectionSpec
{
    public double Bound { get; init; } = 11.0;
}

/// <summary>z = x / (1 + |x / bound|): takes the real line to (-bound, bound). A latent outside it has no preimage: NaN.</summary>
public sealed class Softclip : Bijection
{
    private readonly double bound;

    public Softclip(SoftclipSpec spec) : base(nameof(Softclip))
    {
        if (!(spec.Bound > 0))
            throw new SpecException($"bound: must be positive, is {spec.Bound}");
        bound = spec.Bound;
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor widening = (x / bound).abs();
        return new(
            (x / (1 + widening)).MoveToOuterDisposeScope(),
            (widening.log1p().flatten(1).sum(1) * -2).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor share = (z / bound).abs();
        Tensor rest = where(share.lt(1), 1 - share, full_like(share, double.NaN));
        return new((z / rest).MoveToOuterDisposeScope(), (rest.log().flatten(1).sum(1) * -2).MoveToOuterDisposeScope());
    }
}
