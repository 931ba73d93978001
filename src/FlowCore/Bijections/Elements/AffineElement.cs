using System.Text.Json.Serialization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>How a raw parameter u becomes a scale.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ScaleMap>))]
public enum ScaleMap
{
    /// <summary>exp(u), unbounded.</summary>
    [JsonStringEnumMemberName("exp")]
    Exp,

    /// <summary>exp(bound * tanh(u / bound)): within exp(-bound)..exp(bound).</summary>
    [JsonStringEnumMemberName("tanh")]
    Tanh,

    /// <summary>exp(u / (1 + |u| / bound)): within exp(-bound)..exp(bound), as zuko has it with bound = -ln(slope).</summary>
    [JsonStringEnumMemberName("softclip")]
    Softclip,

    /// <summary>sigmoid(u + 2) + least (Kingma, Dhariwal 2018, the code of Glow; nflows).</summary>
    [JsonStringEnumMemberName("sigmoid")]
    Sigmoid,

    /// <summary>softplus(u) + least (nflows).</summary>
    [JsonStringEnumMemberName("softplus")]
    Softplus,

    /// <summary>exp(rescale * tanh(u)) with a learned rescale for each feature, or channel (the RealNVP repositories).</summary>
    [JsonStringEnumMemberName("rescaled_tanh")]
    RescaledTanh,

    /// <summary>1: the additive map of NICE (Dinh, Krueger, Bengio 2014, arXiv 1410.8516), which preserves volume.</summary>
    [JsonStringEnumMemberName("none")]
    None,
}

/// <summary>The settings of <see cref="AffineElement"/>.</summary>
public sealed record AffineElementSpec : ElementSpec
{
    public ScaleMap Scale { get; init; } = ScaleMap.Tanh;

    /// <summary>The largest |log-scale| of the maps tanh and softclip.</summary>
    public double Bound { get; init; } = 2.0;

    /// <summary>What the maps sigmoid and softplus add to the scale, so that it stays away from 0.</summary>
    public double Least { get; init; }

    /// <summary>Where the scale is cut off; null for nowhere.</summary>
    public double? Most { get; init; }

    /// <summary>Whether to divide by the scale instead of multiplying by it.</summary>
    public bool Divide { get; init; }

    /// <summary>Whether the shift comes first: y = (x + shift) * scale instead of y = x * scale + shift.</summary>
    public bool ShiftFirst { get; init; }
}

/// <summary>y = x * scale(u) + shift with parameters (shift, u), or (shift) alone where there is no scale.</summary>
public sealed class AffineElement : Element
{
    private readonly AffineElementSpec spec;
    private readonly EventShape shape;
    private readonly Parameter? rescale;

    internal AffineElement(AffineElementSpec spec, EventShape shape) : base(nameof(AffineElement))
    {
        if (!(spec.Bound > 0 && double.IsFinite(spec.Bound)))
            throw new SpecException($"element.bound: must be positive, is {spec.Bound}");
        if (!(spec.Least >= 0))
            throw new SpecException($"element.least: must not be negative, is {spec.Least}");
        if (!(spec.Most is null or > 0))
            throw new SpecException($"element.most: must be positive, is {spec.Most}");
        this.spec = spec;
        this.shape = shape;
        rescale = spec.Scale == ScaleMap.RescaledTanh ? new Parameter(ones(shape.Channels)) : null;
        RegisterComponents();
    }

    public override int Parameters => spec.Scale == ScaleMap.None ? 1 : 2;

    public override ElementMapped Forward(Tensor x, Tensor parameters)
    {
        Tensor shift = parameters.select(-1, 0);
        if (spec.Scale == ScaleMap.None)
            return new(x + shift, zeros_like(x));
        Tensor logScale = LogScale(parameters.select(-1, 1));
        Tensor scale = logScale.exp();
        return new(spec.ShiftFirst ? (x + shift) * scale : x * scale + shift, logScale);
    }

    public override ElementMapped Inverse(Tensor y, Tensor parameters)
    {
        Tensor shift = parameters.select(-1, 0);
        if (spec.Scale == ScaleMap.None)
            return new(y - shift, zeros_like(y));
        Tensor logScale = LogScale(parameters.select(-1, 1)).neg();
        Tensor scale = logScale.exp();
        return new(spec.ShiftFirst ? y * scale - shift : (y - shift) * scale, logScale);
    }

    private Tensor LogScale(Tensor u)
    {
        Tensor logScale = spec.Scale switch
        {
            ScaleMap.Tanh => (u / spec.Bound).tanh() * spec.Bound,
            ScaleMap.RescaledTanh => shape.OverPixels(rescale!) * u.tanh(),
            ScaleMap.Softclip => u / (1 + u.abs() / spec.Bound),
            ScaleMap.Sigmoid when spec.Least == 0 => nn.functional.logsigmoid(u + 2),
            ScaleMap.Sigmoid => ((u + 2).sigmoid() + spec.Least).log(),
            ScaleMap.Softplus => (nn.functional.softplus(u) + spec.Least).log(),
            _ => u,
        };
        if (spec.Most is { } most)
            logScale = logScale.clamp_max(Math.Log(most));
        return spec.Divide ? -logScale : logScale;
    }
}
