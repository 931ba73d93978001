using FlowCore.Conditioners;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="SplineCoupling"/>.</summary>
public sealed record SplineCouplingSpec : BijectionSpec
{
    public required CouplingMask Mask { get; init; }

    public required ConditionerSpec Conditioner { get; init; }

    /// <summary>The number of bins of each spline.</summary>
    public int Bins { get; init; } = 8;

    /// <summary>The spline works on [-bound, bound]; outside it the map is the identity.</summary>
    public double Bound { get; init; } = 5.0;

    /// <summary>The smallest width of a bin, as a share of the interval.</summary>
    public double MinWidth { get; init; } = 1e-3;

    /// <summary>The smallest height of a bin, as a share of the interval.</summary>
    public double MinHeight { get; init; } = 1e-3;

    /// <summary>The smallest slope at a knot.</summary>
    public double MinSlope { get; init; } = 1e-3;
}

/// <summary>
/// A coupling whose transformed features pass a monotone rational-quadratic spline with linear tails; the conditioner emits
/// for each of them [K widths | K heights | K - 1 inner slopes] (Durkan, Bekasov, Murray, Papamakarios 2019, "Neural spline
/// flows", arXiv 1906.04032).
/// </summary>
public sealed class SplineCoupling : Bijection
{
    private readonly RationalQuadraticSpline spline;
    private readonly CouplingSplit split;
    private readonly Conditioner conditioner;

    public SplineCoupling(SplineCouplingSpec spec, int features, int context) : base(nameof(SplineCoupling))
    {
        spline = new RationalQuadraticSpline(spec.Bins, spec.Bound, spec.MinWidth, spec.MinHeight, spec.MinSlope);
        split = new CouplingSplit(spec.Mask, features);
        conditioner = FlowBuilder.Build(spec.Conditioner, split.Kept, context, split.Transformed * spline.ParametersPerFeature);
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context) => Map(x, context, inverse: false);

    public override Mapped Inverse(Tensor z, Tensor? context) => Map(z, context, inverse: true);

    private Mapped Map(Tensor values, Tensor? context, bool inverse)
    {
        using var scope = NewDisposeScope();
        var (kept, transformed) = split.Apart(values);
        Tensor parameters = conditioner.Forward(kept, context).reshape(-1, split.Transformed, spline.ParametersPerFeature);
        var (mapped, logDet) = inverse ? spline.Inverse(transformed, parameters) : spline.Forward(transformed, parameters);
        return new(split.Together(kept, mapped).MoveToOuterDisposeScope(), logDet.sum(1).MoveToOuterDisposeScope());
    }
}
