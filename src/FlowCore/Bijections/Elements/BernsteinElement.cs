using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>The settings of <see cref="BernsteinElement"/>.</summary>
public sealed record BernsteinElementSpec : ElementSpec
{
    /// <summary>The number of raw parameters; the polynomial has four more increments, two fixed ones at each end.</summary>
    public required int Increments { get; init; }

    public double Bound { get; init; } = 5.0;

    internal override int ParameterCount => Increments;
}

/// <summary>
/// A Bernstein polynomial with increasing coefficients on [-bound, bound] and straight lines of slope 1 outside (Ramasinghe et
/// al. 2021, arXiv 2102.03509; zuko's bounded form). The inverse is numerical. At the two ends the polynomial is met 1e-6 of the
/// interval inside them, as zuko does: the lines lie 1e-5 (for bound 5) off the identity.
/// </summary>
public sealed class BernsteinElement : NumericalElement
{
    private const double Margin = 1e-6;
    private readonly int increments;
    private readonly double bound;

    public BernsteinElement(BernsteinElementSpec spec) : base(nameof(BernsteinElement))
    {
        if (spec.Increments is < 1 or > 512)
            throw new SpecException($"element.increments: must lie in 1..512, is {spec.Increments}");
        if (!(spec.Bound > 0))
            throw new SpecException($"element.bound: must be positive, is {spec.Bound}");
        (increments, bound) = (spec.Increments, spec.Bound);
    }

    public override int Parameters => increments;

    protected override double Reach => 2 * bound;

    private int Order => increments + 4;

    public override ElementMapped Forward(Tensor x, Tensor parameters)
    {
        Tensor steps = Steps(parameters);
        long[] end = [.. steps.shape[..^1], 1];
        Tensor coefficients = cat([full(end, -bound, steps.dtype, steps.device), -bound + steps.cumsum(-1)], -1);
        Tensor share = (x + bound) / (2 * bound);
        Tensor clamped = where(share.ge(Margin).logical_and(share.le(1 - Margin)), share, full_like(share, 0.5));
        Tensor y = Polynomial(clamped, coefficients);
        Tensor logSlope = (Polynomial(clamped, steps) * (Order / (2 * bound))).log();

        Tensor below = share.lt(Margin), above = share.gt(1 - Margin);
        Tensor offset = full_like(x, 2 * bound * Margin);
        y = where(below, x - offset, where(above, x + offset, y));
        return new(y, where(below.logical_or(above), zeros_like(x), logSlope));
    }

    // Increments of the coefficients: two fixed ones at each end make the slope there 1 and the curvature 0.
    private Tensor Steps(Tensor parameters)
    {
        double step = 2 * bound / Order;
        long[] ends = [.. parameters.shape[..^1], 2];
        Tensor edge = full(ends, step, parameters.dtype, parameters.device);
        return cat([edge, parameters.softmax(-1) * (2 * bound - 4 * step), edge], -1);
    }

    /// <summary>sum_k c_k B_k,n(t) by de Casteljau's scheme: averages of averages, stable for every order.</summary>
    private static Tensor Polynomial(Tensor t, Tensor coefficients)
    {
        Tensor share = t.unsqueeze(-1), rest = 1 - share;
        Tensor values = coefficients;
        for (long n = coefficients.shape[^1] - 1; n > 0; n--)
            values = values.narrow(-1, 0, n) * rest + values.narrow(-1, 1, n) * share;
        return values.squeeze(-1);
    }
}
