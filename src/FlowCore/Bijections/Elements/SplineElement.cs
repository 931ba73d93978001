using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>The settings of <see cref="SplineElement"/>.</summary>
public sealed record SplineElementSpec : ElementSpec
{
    /// <summary>The number of bins.</summary>
    public int Bins { get; init; } = 8;

    /// <summary>The spline works on [-bound, bound]; outside it the map is the identity.</summary>
    public double Bound { get; init; } = 5.0;

    /// <summary>The smallest width of a bin, as a share of the interval.</summary>
    public double MinWidth { get; init; } = 1e-3;

    /// <summary>The smallest height of a bin, as a share of the interval.</summary>
    public double MinHeight { get; init; } = 1e-3;

    /// <summary>The smallest slope at a knot.</summary>
    public double MinSlope { get; init; } = 1e-3;

    /// <summary>What the raw widths and heights are multiplied by before the softmax (nflows: 1 / sqrt(hidden features)).</summary>
    public double RawScale { get; init; } = 1.0;

    /// <summary>
    /// zuko's parametrisation, with its slope: raw widths and heights are softly clipped to +-|ln slope| / 2, raw slopes to
    /// +-|ln slope| and exponentiated; the minima do not apply. Null for softmax with minima and softplus (Durkan et al.).
    /// </summary>
    public double? SoftclipSlope { get; init; }

    /// <summary>Whether the value is an angle: it is taken to (x mod 2 bound) - bound before the spline (zuko's NCSF).</summary>
    public bool HalfTurn { get; init; }

    internal override int ParameterCount => 3 * Bins - 1;

    internal override ElementKernel<T> Compile<T>() => new SplineKernel<T>(this);
}

/// <summary>
/// A monotone rational-quadratic spline with K bins on [-bound, bound] and the identity outside (Gregory, Delbourgo 1982;
/// Durkan, Bekasov, Murray, Papamakarios 2019, "Neural spline flows", arXiv 1906.04032). Parameters are [K raw widths |
/// K raw heights | K - 1 raw inner slopes]; the slopes at the two ends are 1, so that the tails join smoothly.
/// </summary>
public sealed class SplineElement : Element
{
    private readonly SplineElementSpec spec;
    private readonly int bins;
    private readonly double bound;

    public SplineElement(SplineElementSpec spec) : base(nameof(SplineElement))
    {
        if (spec.Bins is < 1 or > 1024)
            throw new SpecException($"element.bins: must lie in 1..1024, is {spec.Bins}");
        if (!(spec.Bound > 0 && double.IsFinite(spec.Bound)))
            throw new SpecException($"element.bound: must be positive, is {spec.Bound}");
        if (!(spec.MinWidth >= 0 && spec.MinWidth * spec.Bins < 1))
            throw new SpecException($"element.min_width: {spec.Bins} bins of at least {spec.MinWidth} do not fit into 1");
        if (!(spec.MinHeight >= 0 && spec.MinHeight * spec.Bins < 1))
            throw new SpecException($"element.min_height: {spec.Bins} bins of at least {spec.MinHeight} do not fit into 1");
        if (!(spec.MinSlope >= 0 && spec.MinSlope < 1))
            throw new SpecException($"element.min_slope: must lie in [0, 1), is {spec.MinSlope}");
        if (spec.SoftclipSlope is { } slope && !(slope > 0 && slope < 1))
            throw new SpecException($"element.softclip_slope: must lie in (0, 1), is {slope}");
        this.spec = spec;
        (bins, bound) = (spec.Bins, spec.Bound);
    }

    public override int Parameters => spec.ParameterCount;

    public override ElementMapped Forward(Tensor x, Tensor parameters)
    {
        if (spec.HalfTurn)
            x = Turned(x);
        var (inside, clamped) = Clamp(x);
        Bin bin = Find(clamped, parameters, byHeight: false);
        Tensor t = (clamped - bin.X) / bin.Width;
        Tensor t1 = t * (1 - t);
        Tensor denominator = bin.Slope + (bin.D0 + bin.D1 - 2 * bin.Slope) * t1;
        Tensor y = bin.Y + bin.Height * (bin.Slope * t * t + bin.D0 * t1) / denominator;
        return new(where(inside, y, x), where(inside, LogDerivative(bin, t, t1, denominator), zeros_like(x)));
    }

    public override ElementMapped Inverse(Tensor y, Tensor parameters)
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
        Tensor x = where(inside, bin.X + t * bin.Width, y);
        Tensor logDerivative = LogDerivative(bin, t, t1, bin.Slope + q * t1).neg();
        return new(spec.HalfTurn ? Turned(x) : x, where(inside, logDerivative, zeros_like(y)));
    }

    // ln dy/dx = ln[s^2 (d1 t^2 + 2 s t(1-t) + d0 (1-t)^2)] - 2 ln denominator
    private static Tensor LogDerivative(Bin bin, Tensor t, Tensor t1, Tensor denominator)
    {
        Tensor rest = 1 - t;
        Tensor numerator = bin.D1 * t * t + 2 * bin.Slope * t1 + bin.D0 * rest * rest;
        return 2 * bin.Slope.log() + numerator.log() - 2 * denominator.log();
    }

    // Half a turn further on the circle of circumference 2 bound; its own inverse there.
    private Tensor Turned(Tensor angle) => angle.remainder(2 * bound) - bound;

    // What lies outside, NaN included, is replaced by 0 and given back untouched by the caller's `where`: no bin search fails.
    private (Tensor Inside, Tensor Clamped) Clamp(Tensor values)
    {
        Tensor inside = values.ge(-bound).logical_and(values.le(bound));
        return (inside, values.where(inside, zeros_like(values)));
    }

    private Bin Find(Tensor values, Tensor parameters, bool byHeight)
    {
        Tensor xs = Knots(parameters.narrow(-1, 0, bins), spec.MinWidth);
        Tensor ys = Knots(parameters.narrow(-1, bins, bins), spec.MinHeight);
        Tensor inner = Slopes(parameters.narrow(-1, 2 * bins, bins - 1));
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
        Tensor shares = spec.SoftclipSlope is { } slope
            ? (raw / (1 + (2 / -Math.Log(slope)) * raw.abs())).softmax(-1)
            : least + (1 - least * bins) * (spec.RawScale == 1 ? raw : raw * spec.RawScale).softmax(-1);
        long[] end = [.. raw.shape[..^1], 1];
        Tensor edge = full(end, bound, raw.dtype, raw.device);
        if (bins == 1)
            return cat([-edge, edge], -1);
        return cat([-edge, 2 * bound * shares.narrow(-1, 0, bins - 1).cumsum(-1) - bound, edge], -1);
    }

    private Tensor Slopes(Tensor raw) => spec.SoftclipSlope is { } slope
        ? (raw / (1 + raw.abs() / -Math.Log(slope))).exp()
        : spec.MinSlope + nn.functional.softplus(raw);

    private static Tensor At(Tensor table, Tensor index) => table.gather(-1, index).squeeze(-1);

    private readonly record struct Bin(Tensor X, Tensor Y, Tensor Width, Tensor Height, Tensor Slope, Tensor D0, Tensor D1);
}
