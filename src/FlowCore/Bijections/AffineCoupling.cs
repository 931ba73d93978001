using System.Text.Json.Serialization;
using FlowCore.Conditioners;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>How a conditioner's raw output u becomes a log-scale.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LogScaleMap>))]
public enum LogScaleMap
{
    /// <summary>u itself: the scale is exp(u), unbounded.</summary>
    [JsonStringEnumMemberName("exp")]
    Exp,

    /// <summary>bound * tanh(u / bound): the scale stays within exp(-bound)..exp(bound).</summary>
    [JsonStringEnumMemberName("tanh")]
    Tanh,

    /// <summary>log sigmoid(u + 2): the scale stays below 1 (Kingma, Dhariwal 2018, the code of Glow).</summary>
    [JsonStringEnumMemberName("sigmoid")]
    Sigmoid,

    /// <summary>No scale: the additive coupling of NICE (Dinh, Krueger, Bengio 2014), which preserves volume.</summary>
    [JsonStringEnumMemberName("none")]
    None,
}

/// <summary>The settings of <see cref="AffineCoupling"/>.</summary>
public sealed record AffineCouplingSpec : BijectionSpec
{
    public required CouplingMask Mask { get; init; }

    public required ConditionerSpec Conditioner { get; init; }

    public LogScaleMap LogScale { get; init; } = LogScaleMap.Tanh;

    /// <summary>The largest |log-scale| of the tanh map.</summary>
    public double Bound { get; init; } = 2.0;
}

/// <summary>
/// z_b = x_b * exp(s(x_a)) + t(x_a), z_a = x_a: the conditioner reads the kept features a (and the context) and emits
/// [t | u], u becoming the log-scale s (Dinh, Sohl-Dickstein, Bengio 2017, "Density estimation using Real NVP", arXiv 1605.08803).
/// </summary>
public sealed class AffineCoupling : Bijection
{
    private readonly AffineCouplingSpec spec;
    private readonly CouplingSplit split;
    private readonly Conditioner conditioner;

    public AffineCoupling(AffineCouplingSpec spec, int features, int context) : base(nameof(AffineCoupling))
    {
        if (!(spec.Bound > 0))
            throw new SpecException($"bound: must be positive, is {spec.Bound}");
        this.spec = spec;
        split = new CouplingSplit(spec.Mask, features);
        conditioner = FlowBuilder.Build(spec.Conditioner, split.Kept, context, split.Transformed * (Scales ? 2 : 1));
        RegisterComponents();
    }

    private bool Scales => spec.LogScale != LogScaleMap.None;

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (kept, transformed) = split.Apart(x);
        var (shift, logScale) = Parameters(kept, context);
        Tensor z = logScale is null ? transformed + shift : transformed.mul(logScale.exp()).add_(shift);
        return Joined(kept, z, logScale?.sum(1));
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (kept, transformed) = split.Apart(z);
        var (shift, logScale) = Parameters(kept, context);
        Tensor x = transformed - shift;
        return Joined(kept, logScale is null ? x : x.mul_(logScale.neg().exp_()), logScale?.sum(1).neg_());
    }

    private (Tensor Shift, Tensor? LogScale) Parameters(Tensor kept, Tensor? context)
    {
        Tensor parameters = conditioner.Forward(kept, context);
        if (!Scales)
            return (parameters, null);
        Tensor raw = parameters.narrow(1, split.Transformed, split.Transformed);
        Tensor logScale = spec.LogScale switch
        {
            LogScaleMap.Tanh => (raw / spec.Bound).tanh() * spec.Bound,
            LogScaleMap.Sigmoid => nn.functional.logsigmoid(raw + 2),
            _ => raw,
        };
        return (parameters.narrow(1, 0, split.Transformed), logScale);
    }

    private Mapped Joined(Tensor kept, Tensor transformed, Tensor? logDet) => new(
        split.Together(kept, transformed).MoveToOuterDisposeScope(),
        (logDet ?? zeros_like(kept.select(1, 0))).MoveToOuterDisposeScope());
}
