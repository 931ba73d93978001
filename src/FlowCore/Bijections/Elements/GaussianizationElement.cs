using System.Numerics;
using FlowCore.Densities;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>The settings of <see cref="GaussianizationElement"/>.</summary>
public sealed record GaussianizationElementSpec : ElementSpec
{
    public required int Components { get; init; }

    internal override void Check(SpecScope at, EventShape shape) => at.Within("components", Components, 1, 4096);

    internal override int ParameterCount => 2 * Components;

    internal override ElementKernel<T> Compile<T>() => new GaussianizationKernel<T>(Components);
}

/// <summary>
/// y = sqrt(2) erfinv((1 - 1e-6) mean_k erf((x exp(a_k) + b_k) / sqrt(2))), parameters [K shifts b | K log-scales a]: the normal
/// quantile of a mixture of normal distribution functions (Meng, Song, Song, Ermon 2020, "Gaussianization flows", arXiv
/// 2003.01941; zuko). The inverse is numerical, on [-10, 10].
/// </summary>
public sealed class GaussianizationElement : NumericalElement
{
    internal const double Shrink = 1 - 1e-6, Furthest = 10;
    private static readonly double Root2 = Math.Sqrt(2);

    private readonly int components;

    public GaussianizationElement(GaussianizationElementSpec spec) : base(nameof(GaussianizationElement)) => components = spec.Components;

    public override int Parameters => 2 * components;

    protected override double Reach => Furthest;

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

/// <summary>The same, compiled; the tails of the distribution functions are summed up as they are, not as differences from 1.</summary>
internal sealed class GaussianizationKernel<T>(int components) : NumericalKernel<T>(2 * components, GaussianizationElement.Furthest, takesEveryValue: false)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    protected override int PreparedCount => 3 * components;

    protected override void Prepare(ReadOnlySpan<double> raw, Span<double> prepared)
    {
        raw.CopyTo(prepared);
        for (int k = 0; k < components; k++)
            prepared[2 * components + k] = Scalar.Exp(raw[components + k]);
    }

    protected override (double Value, double LogDerivative) Map(double x, ReadOnlySpan<double> prepared)
    {
        NormalSum<Scalar> sum = NormalSum<Scalar>.None;
        for (int k = 0; k < components; k++)
            sum = sum.With(Scalar.Of(x * prepared[2 * components + k] + prepared[k]), Scalar.Of(1), Scalar.Of(prepared[components + k]));
        double below = sum.Below.Value, above = sum.Above.Value;
        double Share(double mean) => GaussianizationElement.Shrink * mean / components + (1 - GaussianizationElement.Shrink) / 2;
        double y = below <= above ? NormalQuantile.At(Share(below)) : -NormalQuantile.At(Share(above));
        return (y, sum.LogDensity.Value + Scalar.Log(GaussianizationElement.Shrink / components) + 0.5 * y * y);
    }

    protected override string MapText(KernelText text, string name)
    {
        NormalSumText.Use(text);
        text.Use(Words.NormalQuantile);
        return $$"""
            template<class P> struct {{name}}
            {
                P p;
                MEMBER void prepare() {}
                MEMBER static double share(double mean)
                {
                    const double shrink = {{KernelText.Double(GaussianizationElement.Shrink)}}, rest = {{KernelText.Double((1 - GaussianizationElement.Shrink) / 2)}};
                    return shrink * mean / {{components}} + rest;
                }
                HOT_MEMBER double operator()(double x, double &log_derivative) const
                {
                    NormalSum sum{0, 0, -number_of(0x7ff0000000000000LL), 0};
                    for (int k = 0; k < {{components}}; k++)
                        sum.add(x * exponential((double)p({{components}} + k)) + (double)p(k), 1, p({{components}} + k));
                    double y = sum.below <= sum.above ? normal_quantile(share(sum.below)) : -normal_quantile(share(sum.above));
                    log_derivative = sum.log_density() + {{KernelText.Double(Scalar.Log(GaussianizationElement.Shrink / components))}} + 0.5 * y * y;
                    return y;
                }
            };
            """;
    }
}
