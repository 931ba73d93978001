using System.Text.Json.Serialization;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>What a spline does at the ends of its interval.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SplineTails>))]
public enum SplineTails
{
    /// <summary>The slopes at the ends are 1, and the map is the identity beyond: K - 1 raw slopes.</summary>
    [JsonStringEnumMemberName("linear")]
    Linear,

    /// <summary>The two ends are one point of a circle and have one slope: K raw slopes. The identity beyond.</summary>
    [JsonStringEnumMemberName("circular")]
    Circular,

    /// <summary>The slopes at the ends are free: K + 1 raw slopes. Beyond there is nothing: zero density, latents without a preimage.</summary>
    [JsonStringEnumMemberName("box")]
    Box,
}

/// <summary>The settings of <see cref="SplineElement"/>.</summary>
public sealed record SplineElementSpec : ElementSpec
{
    /// <summary>The number of bins.</summary>
    public int Bins { get; init; } = 8;

    /// <summary>The spline works on [-bound, bound], or on [lower, bound].</summary>
    public double Bound { get; init; } = 5.0;

    /// <summary>The lower end, where it is not -bound.</summary>
    public double? Lower { get; init; }

    /// <summary>What happens at the ends of the interval.</summary>
    public SplineTails Tails { get; init; }

    /// <summary>
    /// Linear or circular for each transformed feature on its own (normflows' circular layers); each then has K + 1 raw slopes, and
    /// leaves those at its ends unused that it does not need. Null where <see cref="Tails"/> holds for all.
    /// </summary>
    public SplineTails[]? FeatureTails { get; init; }

    /// <summary>A bound for each transformed feature on its own; null where <see cref="Bound"/> holds for all.</summary>
    public double[]? FeatureBounds { get; init; }

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

    /// <summary>The number of raw slopes of a feature.</summary>
    [JsonIgnore]
    public int RawSlopes => Bins + (FeatureTails is not null ? 1 : Tails switch
    {
        SplineTails.Linear => -1,
        SplineTails.Circular => 0,
        _ => 1,
    });

    internal override int ParameterCount => 2 * Bins + RawSlopes;

    internal override Formula[] CompileConstants(WeightScope weights, int channels)
    {
        var constants = new List<Formula>();
        if (FeatureTails is { } tails)
            constants.Add(Formula.Fixed([.. tails.Select(tail => tail == SplineTails.Linear ? 1.0 : 0)]));
        if (FeatureBounds is { } bounds)
            constants.Add(Formula.Fixed(bounds));
        return [.. constants];
    }

    internal override ElementKernel<T> Compile<T>() => new SplineKernel<T>(this);

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Within("bins", Bins, 1, 1024);
        at.Positive("bound", Bound);
        if (!(Lower is null || Lower < Bound && double.IsFinite(Lower.Value)))
            throw at.Refusal("lower", $"must lie below bound ({Bound}), is {Lower}");
        at.Number("lower", Lower ?? 0);
        at.Known("tails", Tails);
        CheckFeatures(at, shape.Channels);
        if (!(MinWidth >= 0 && MinWidth * Bins < 1))
            throw at.Refusal("min_width", $"{Bins} bins of at least {MinWidth} do not fit into 1");
        if (!(MinHeight >= 0 && MinHeight * Bins < 1))
            throw at.Refusal("min_height", $"{Bins} bins of at least {MinHeight} do not fit into 1");
        if (!(MinSlope >= 0 && MinSlope < 1))
            throw at.Refusal("min_slope", $"must lie in [0, 1), is {MinSlope}");
        at.Positive("raw_scale", RawScale);
        if (SoftclipSlope is { } slope && !(slope > 0 && slope < 1))
            throw at.Refusal("softclip_slope", $"must lie in (0, 1), is {slope}");
    }

    private void CheckFeatures(SpecScope at, int features)
    {
        foreach (SplineTails tails in FeatureTails ?? [])
            at.Known("feature_tails", tails);
        if (FeatureTails is not null && (FeatureTails.Contains(SplineTails.Box) || Tails != SplineTails.Linear))
            throw at.Refusal("feature_tails", "are linear or circular, and stand instead of tails");
        if (FeatureBounds is { } own && (HalfTurn || Tails == SplineTails.Box || !own.All(bound => bound > 0 && double.IsFinite(bound))))
            throw at.Refusal("feature_bounds", "are positive, and not for boxes or half turns");
        foreach (double bound in FeatureBounds ?? [])
            at.Positive("feature_bounds", bound);
        if (FeatureTails is not null && FeatureTails.Length != features)
            throw at.Refusal("feature_tails", $"has {FeatureTails.Length} entries for {features} features");
        if (FeatureBounds is not null && FeatureBounds.Length != features)
            throw at.Refusal("feature_bounds", $"has {FeatureBounds.Length} entries for {features} features");
    }
}

/// <summary>
/// A monotone rational-quadratic spline with K bins on an interval (Gregory, Delbourgo 1982; Durkan, Bekasov, Murray,
/// Papamakarios 2019, "Neural spline flows", arXiv 1906.04032; on a circle: Rezende et al. 2020, arXiv 2002.02428). Parameters
/// are [K raw widths | K raw heights | raw slopes].
/// </summary>
public sealed class SplineElement : Element
{
    private readonly SplineElementSpec spec;
    private readonly int bins;
    private readonly double lower, upper;

    internal SplineElement(SplineElementSpec spec) : base(nameof(SplineElement))
    {
        this.spec = spec;
        bins = spec.Bins;
        // With bounds of their own, features are counted in them.
        (lower, upper) = spec.FeatureBounds is null ? (spec.Lower ?? -spec.Bound, spec.Bound) : (-1, 1);
    }

    public override int Parameters => spec.ParameterCount;

    internal override Element At(int[] features) => spec is { FeatureTails: null, FeatureBounds: null } ? this : new SplineElement(
        spec with
        {
            FeatureTails = spec.FeatureTails is { } tails ? [.. features.Select(feature => tails[feature])] : null,
            FeatureBounds = spec.FeatureBounds is { } bounds ? [.. features.Select(feature => bounds[feature])] : null,
        });

    public override ElementMapped Forward(Tensor x, Tensor parameters)
    {
        if (spec.HalfTurn)
            x = Turned(x);
        Tensor? bounds = Bounds(x);
        var (inside, clamped) = Clamp(bounds is null ? x : x / bounds);
        Bin bin = Find(clamped, parameters, byHeight: false);
        Tensor t = (clamped - bin.X) / bin.Width;
        Tensor t1 = t * (1 - t);
        Tensor denominator = bin.Slope + (bin.D0 + bin.D1 - 2 * bin.Slope) * t1;
        Tensor y = bin.Y + bin.Height * (bin.Slope * t * t + bin.D0 * t1) / denominator;
        return new(where(inside, bounds is null ? y : y * bounds, x), where(inside, LogDerivative(bin, t, t1, denominator), Beyond(x, double.NegativeInfinity)));
    }

    public override ElementMapped Inverse(Tensor y, Tensor parameters)
    {
        Tensor? bounds = Bounds(y);
        var (inside, clamped) = Clamp(bounds is null ? y : y / bounds);
        Bin bin = Find(clamped, parameters, byHeight: true);
        Tensor u = clamped - bin.Y;
        Tensor q = bin.D0 + bin.D1 - 2 * bin.Slope;
        Tensor a = bin.Height * (bin.Slope - bin.D0) + u * q;
        Tensor b = bin.Height * bin.D0 - u * q;
        Tensor c = -bin.Slope * u;
        // Rounding may take the discriminant just below 0 where it is 0: never a reason to fail a batch.
        Tensor t = (2 * c / (-b - (b * b - 4 * a * c).clamp_min(0).sqrt())).clamp(0, 1);
        Tensor t1 = t * (1 - t);
        Tensor mapped = bin.X + t * bin.Width;
        Tensor x = where(inside, bounds is null ? mapped : mapped * bounds, spec.Tails == SplineTails.Box ? full_like(y, double.NaN) : y);
        Tensor logDerivative = LogDerivative(bin, t, t1, bin.Slope + q * t1).neg();
        return new(spec.HalfTurn ? Turned(x) : x, where(inside, logDerivative, Beyond(y, double.NaN)));
    }

    // ln dy/dx = ln[s^2 (d1 t^2 + 2 s t(1-t) + d0 (1-t)^2)] - 2 ln denominator
    private static Tensor LogDerivative(Bin bin, Tensor t, Tensor t1, Tensor denominator)
    {
        Tensor rest = 1 - t;
        Tensor numerator = bin.D1 * t * t + 2 * bin.Slope * t1 + bin.D0 * rest * rest;
        return 2 * bin.Slope.log() + numerator.log() - 2 * denominator.log();
    }

    // Half a turn further on the circle of circumference 2 bound; its own inverse there.
    private Tensor Turned(Tensor angle) => angle.remainder(2 * upper) - upper;

    private Tensor? Bounds(Tensor values) => spec.FeatureBounds is { } bounds ? tensor(bounds, values.dtype, values.device) : null;

    // The log-derivative where the interval ends: of the identity, or of a map that is not there.
    private Tensor Beyond(Tensor values, double nothing) => spec.Tails == SplineTails.Box ? full_like(values, nothing) : zeros_like(values);

    // What lies outside, NaN included, is replaced by the middle and given back untouched by the caller's `where`: no bin search fails.
    private (Tensor Inside, Tensor Clamped) Clamp(Tensor values)
    {
        Tensor inside = values.ge(lower).logical_and(values.le(upper));
        return (inside, values.where(inside, full_like(values, (lower + upper) / 2)));
    }

    private Bin Find(Tensor values, Tensor parameters, bool byHeight)
    {
        Tensor xs = Knots(parameters.narrow(-1, 0, bins), spec.MinWidth);
        Tensor ys = Knots(parameters.narrow(-1, bins, bins), spec.MinHeight);
        Tensor slopes = WithEnds(Slopes(parameters.narrow(-1, 2 * bins, spec.RawSlopes)));

        // The bin of the last inner knot that is not above the value: always in 0..K-1, at the bounds too.
        Tensor index = bins == 1
            ? zeros_like(values, int64).unsqueeze(-1)
            : (byHeight ? ys : xs).narrow(-1, 1, bins - 1).le(values.unsqueeze(-1)).sum(-1, true);
        Tensor next = index + 1;
        Tensor x0 = At(xs, index), y0 = At(ys, index);
        Tensor width = At(xs, next) - x0, height = At(ys, next) - y0;
        return new(x0, y0, width, height, height / width, At(slopes, index), At(slopes, next));
    }

    // K + 1 slopes.
    private Tensor WithEnds(Tensor learned)
    {
        long[] end = [.. learned.shape[..^1], 1];
        Tensor one = ones(end, learned.dtype, learned.device);
        if (spec.FeatureTails is { } tails)
        {
            Tensor linear = tensor(tails.Select(each => each == SplineTails.Linear).ToArray(), device: learned.device).unsqueeze(-1);
            Tensor ends = where(linear, one, learned.narrow(-1, 0, 1));
            return cat([ends, learned.narrow(-1, 1, bins - 1), ends], -1);
        }
        return spec.Tails switch
        {
            SplineTails.Linear => cat([one, learned, one], -1),
            SplineTails.Circular => cat([learned, learned.narrow(-1, 0, 1)], -1),
            _ => learned,
        };
    }

    // K + 1 knots from end to end, the ends exact.
    private Tensor Knots(Tensor raw, double least)
    {
        Tensor shares = spec.SoftclipSlope is { } slope
            ? (raw / (1 + (2 / -Math.Log(slope)) * raw.abs())).softmax(-1)
            : least + (1 - least * bins) * (spec.RawScale == 1 ? raw : raw * spec.RawScale).softmax(-1);
        long[] end = [.. raw.shape[..^1], 1];
        Tensor first = full(end, lower, raw.dtype, raw.device), last = full(end, upper, raw.dtype, raw.device);
        if (bins == 1)
            return cat([first, last], -1);
        return cat([first, (upper - lower) * shares.narrow(-1, 0, bins - 1).cumsum(-1) + lower, last], -1);
    }

    private Tensor Slopes(Tensor raw) => spec.SoftclipSlope is { } slope
        ? (raw / (1 + raw.abs() / -Math.Log(slope))).exp()
        : spec.MinSlope + ExactSoftplus.Of(raw);

    private static Tensor At(Tensor table, Tensor index) => table.gather(-1, index).squeeze(-1);

    private readonly record struct Bin(Tensor X, Tensor Y, Tensor Width, Tensor Height, Tensor Slope, Tensor D0, Tensor D1);
}
