using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>The settings of <see cref="GaussianizationElement"/>.</summary>
public sealed record GaussianizationElementSpec : ElementSpec
{
    public required int Components { get; init; }

    internal override int ParameterCount => 2 * Components;
}

/// <summary>
/// y = sqrt(2) erfinv((1 - 1e-6) mean_k erf((x exp(a_k) + b_k) / sqrt(2))), parameters [K shifts b | K log-scales a]: the normal
/// quantile of a mixture of normal distribution functions (Meng, Song, Song, Ermon 2020, "Gaussianization flows", arXiv
/// 2003.01941; zuko). The inverse is numerical, on [-10, 10].
/// </summary>
public sealed class GaussianizationElement : NumericalElement
{
    private const double Shrink = 1 - 1e-6;
    private static readonly double Root2 = Math.Sqrt(2);

    private readonly int components;

    public GaussianizationElement(GaussianizationElementSpec spec) : base(nameof(GaussianizationElement))
    {
        if (spec.Components is < 1 or > 4096)
            throw new SpecException($"element.components: must lie in 1..4096, is {spec.Components}");
        components = spec.Components;
    }

    public override int Parameters => 2 * components;

    protected override double Reach => 10;

    // It saturates just short of +-4.9; beyond, the inverse gives an end of the bracket, as the library's does.
    protected override bool TakesEveryValue => false;

    public override ElementMapped Forward(Tensor x, Tensor parameters)
    {
        Tensor logScale = parameters.narrow(-1, components, components);
        Tensor u = x.unsqueeze(-1) * logScale.exp() + parameters.narrow(-1, 0, components);
        Tensor y = ((u / Root2).erf().mean([-1]) * Shrink).erfinv() * Root2;
        // ln of (1 - 1e-6) mean_k exp(a_k) phi(u_k) / phi(y), phi being the standard normal density.
        Tensor logDerivative = (logScale - u * u / 2).logsumexp(-1) + Math.Log(Shrink / components) + y * y / 2;
        return new(y, logDerivative);
    }
}
