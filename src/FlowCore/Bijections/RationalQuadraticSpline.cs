using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>
/// A monotone rational-quadratic spline with K bins on [-bound, bound] and the identity outside, element by element
/// (Gregory, Delbourgo 1982; Durkan et al. 2019, arXiv 1906.04032). Parameters are <c>[..., 3K - 1]</c>: K raw widths, K raw
/// heights, K - 1 raw inner slopes; the slopes at the two ends are 1, so that the tails join smoothly.
/// </summary>
public sealed class RationalQuadraticSpline
{
    private readonly int bins;
    private readonly double bound, minWidth, minHeight, minSlope;

    public RationalQuadraticSpline(int bins, double bound, double minWidth, double minHeight, double minSlope)
    {
        if (bins is < 1 or > 1024)
            throw new SpecException($"bins: must lie in 1..1024, is {bins}");
        if (!(bound > 0 && double.IsFinite(bound)))
            throw new SpecException($"bound: must be positive, is {bound}");
        if (!(minWidth >= 0 && minWidth * bins < 1))
            throw new SpecException($"min_width: {bins} bins of at least {minWidth} do not fit into 1");
        if (!(minHeight >= 0 && minHeight * bins < 1))
            throw new SpecException($"min_height: {bins} bins of at least {minHeight} do not fit into 1");
        if (!(minSlope >= 0 && minSlope < 1))
            throw new SpecException($"min_slope: must lie in [0, 1), is {minSlope}");
        (this.bins, this.bound) = (bins, bound);
        (this.minWidth, this.minHeight, this.minSlope) = (minWidth, minHeight, minSlope);
    }

    public int ParametersPerFeature => 3 * bins - 1;

    /// <summary>y and log dy/dx for x <c>[...]</c> and parameters <c>[..., 3K - 1]</c>.</summary>
    public (Tensor Values, Tensor LogDet) Forward(Tensor x, Tensor parameters)
    {
        var (inside, clamped) = Clamp(x);
        Bin bin = Find(clamped, parameters, byHeight: false);
        Tensor t = (clamped - bin.X) / bin.Width;
        Tensor t1 = t * (1 - t);
        Tensor denominator = bin.Slope + (bin.D0 + bin.D1 - 2 * bin.Slope) * t1;
        Tensor y = bin.Y + bin.Height * (bin.Slope * t * t + bin.D0 * t1) / denominator;
        return (where(inside, y, x), where(inside, LogDerivative(bin, t, t1, denominator), zeros_like(x)));
    }

    /// <summary>x and log dx/dy for y <c>[...]</c> and parameters <c>[..., 3K - 1]</c>.</summary>
    public (Tensor Values, Tensor LogDet) Inverse(Tensor y, Tensor parameters)
    {
        var (inside, clamped) = Clamp(y);
        Bin bin = Find(clamped, parameters, byHeight: true);
        Tensor u = clamped - bin.Y;
        Tensor q = bin.D0 + bin.D1 - 2 * bin.Slope;
        Tensor a = bin.Height * (bin.Slope - bin.D0) + u * q;
        Tensor b = bin.Height * bin.D0 - u * q;
        Tensor c = -bin.Slope * u;
        // Rounding may take the discriminant just below 0 where it is 0: never a reason to fail a batch.
        Tensor t = (2 * c / (-b - (b * b - 4 * a * c).clamp_min(0).sqrt())).clamp(0, 1);
        Tensor t1 = t * (1 - t);
        Tensor x = bin.X + t * bin.Width;
        Tensor logDet = LogDerivative(bin, t, t1, bin.Slope + q * t1).neg();
        return (where(inside, x, y), where(inside, logDet, zeros_like(y)));
    }

    // ln dy/dx = ln[s^2 (d1 t^2 + 2 s t(1-t) + d0 (1-t)^2)] - 2 ln denominator
    private static Tensor LogDerivative(Bin bin, Tensor t, Tensor t1, Tensor denominator)
    {
        Tensor rest = 1 - t;
        Tensor numerator = bin.D1 * t * t + 2 * bin.Slope * t1 + bin.D0 * rest * rest;
        return 2 * bin.Slope.log() + numerator.log() - 2 * denominator.log();
    }

    // NaN is clamped into the interval too, and given back untouched by the caller's `where`: no bin search ever fails.
    private (Tensor Inside, Tensor Clamped) Clamp(Tensor values)
    {
        Tensor inside = values.ge(-bound).logical_and(values.le(bound));
        return (inside, values.where(inside, zeros_like(values)));
    }

    private Bin Find(Tensor values, Tensor parameters, bool byHeight)
    {
        Tensor xs = Knots(parameters.narrow(-1, 0, bins), minWidth);
        Tensor ys = Knots(parameters.narrow(-1, bins, bins), minHeight);
        Tensor inner = minSlope + nn.functional.softplus(parameters.narrow(-1, 2 * bins, bins - 1));
        long[] end = [.. inner.shape[..^1], 1];
        Tensor one = ones(end, inner.dtype, inner.device);
        Tensor slopes = cat([one, inner, one], -1);

        // The bin of the last inner knot that is not above the value: always in 0..K-1, at the bounds too.
        Tensor index = bins == 1
            ? zeros_like(values, int64).unsqueeze(-1)
            : (byHeight ? ys : xs).narrow(-1, 1, bins - 1).le(values.unsqueeze(-1)).sum(-1, true);
        Tensor next = index + 1;
        Tensor x0 = At(xs, index), y0 = At(ys, index);
        Tensor width = At(xs, next) - x0, height = At(ys, next) - y0;
        return new(x0, y0, width, height, height / width, At(slopes, index), At(slopes, next));
    }

    // K + 1 knots from -bound to bound, the ends exact.
    private Tensor Knots(Tensor raw, double least)
    {
        Tensor shares = least + (1 - least * bins) * raw.softmax(-1);
        long[] end = [.. raw.shape[..^1], 1];
        Tensor edge = full(end, bound, raw.dtype, raw.device);
        if (bins == 1)
            return cat([-edge, edge], -1);
        return cat([-edge, 2 * bound * shares.narrow(-1, 0, bins - 1).cumsum(-1) - bound, edge], -1);
    }

    private static Tensor At(Tensor table, Tensor index) => table.gather(-1, index).squeeze(-1);

    private readonly record struct Bin(Tensor X, Tensor Y, Tensor Width, Tensor Height, Tensor Slope, Tensor D0, Tensor D1);
}
