using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Logit"/>.</summary>
public sealed record LogitSpec : BijectionSpec
{
    /// <summary>How far the ends are moved inwards before the logit: u = alpha + (1 - 2 alpha) (x - lower) / (upper - lower).</summary>
    public double Alpha { get; init; } = 0.05;

    public double Lower { get; init; }

    public double Upper { get; init; } = 1.0;
}

/// <summary>
/// z = ln u - ln(1 - u) with u = alpha + (1 - 2 alpha) (x - lower) / (upper - lower): takes a bounded interval to the real line
/// (Dinh et al. 2017, section 4.1). Where u leaves (0, 1) the density is zero: the log-determinant is -infinity there.
/// </summary>
public sealed class Logit : Bijection
{
    private readonly double slope;
    private readonly double offset;

    public Logit(LogitSpec spec) : base(nameof(Logit))
    {
        if (!(spec.Alpha >= 0 && spec.Alpha < 0.5))
            throw new SpecException($"alpha: must lie in [0, 0.5), is {spec.Alpha}");
        if (!(spec.Upper > spec.Lower) || !double.IsFinite(spec.Upper - spec.Lower))
            throw new SpecException($"upper: must be above lower ({spec.Lower}), is {spec.Upper}");
        slope = (1 - 2 * spec.Alpha) / (spec.Upper - spec.Lower);
        offset = spec.Alpha - slope * spec.Lower;
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor u = x * slope + offset;
        Tensor inside = u.gt(0).logical_and(u.lt(1));
        Tensor safe = where(inside, u, full_like(u, 0.5));
        Tensor logU = safe.log(), logRest = (-safe).log1p();
        Tensor logDet = where(inside, Math.Log(slope) - logU - logRest, full_like(u, double.NegativeInfinity));
        return new((logU - logRest).MoveToOuterDisposeScope(), logDet.flatten(1).sum(1).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor logDet = nn.functional.logsigmoid(z) + nn.functional.logsigmoid(-z) - Math.Log(slope);
        Tensor x = (z.sigmoid() - offset) / slope;
        return new(x.MoveToOuterDisposeScope(), logDet.flatten(1).sum(1).MoveToOuterDisposeScope());
    }
}
