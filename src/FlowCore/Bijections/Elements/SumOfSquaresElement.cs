using System.Numerics;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>The settings of <see cref="SumOfSquaresElement"/>.</summary>
public sealed record SumOfSquaresElementSpec : ElementSpec
{
    public required int Polynomials { get; init; }

    public required int Degree { get; init; }

    /// <summary>What is added to the derivative, so that the map stays increasing.</summary>
    public double Slope { get; init; } = 1e-3;

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Within("polynomials", Polynomials, 1, 1024);
        at.Within("degree", Degree, 0, 64);
        at.NotNegative("slope", Slope);
    }

    internal override int ParameterCount => Polynomials * (Degree + 1) + 1;

    internal override ElementKernel<T> Compile<T>() => new SumOfSquaresKernel<T>(this);
}

/// <summary>
/// y = integral from 0 to x of g + shift with g(u) = mean_k (1 + sum_j a_kj (u / 10)^j)^2 + slope, j = 0..degree, parameters
/// [a, polynomial by polynomial | shift]; the integral is exact by Gauss-Legendre of degree + 1 points (Jaini, Selby, Yu 2019,
/// "Sum-of-squares polynomial flow", arXiv 1905.02325; zuko). The inverse is numerical.
/// </summary>
public sealed class SumOfSquaresElement : NumericalElement
{
    internal const double Unit = 10, Furthest = 10;
    private readonly SumOfSquaresElementSpec spec;
    private readonly double[] nodes;
    private readonly double[] weights;

    public SumOfSquaresElement(SumOfSquaresElementSpec spec) : base(nameof(SumOfSquaresElement))
    {
        this.spec = spec;
        (nodes, weights) = GaussLegendre.Rule(spec.Degree + 1);
    }

    public override int Parameters => spec.ParameterCount;

    protected override double Reach => Furthest;

    public override ElementMapped Forward(Tensor x, Tensor parameters)
    {
        long[] shape = [.. parameters.shape[..^1], spec.Polynomials, spec.Degree + 1];
        Tensor coefficients = parameters.narrow(-1, 0, Parameters - 1).reshape(shape);
        Tensor integral = zeros_like(x);
        for (int i = 0; i < nodes.Length; i++)
            integral = integral + Derivative(x * nodes[i], coefficients) * weights[i];
        return new(integral * x + parameters.select(-1, Parameters - 1), Derivative(x, coefficients).log());
    }

    private Tensor Derivative(Tensor u, Tensor coefficients)
    {
        Tensor scaled = (u / Unit).unsqueeze(-1);
        Tensor value = coefficients.select(-1, spec.Degree);
        for (int j = spec.Degree - 1; j >= 0; j--)
            value = value * scaled + coefficients.select(-1, j);
        return (1 + value).square().mean([-1]) + spec.Slope;
    }
}

/// <summary>The same, compiled.</summary>
internal sealed class SumOfSquaresKernel<T>(SumOfSquaresElementSpec spec)
    : NumericalKernel<T>(spec.ParameterCount, SumOfSquaresElement.Furthest, takesEveryValue: true)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly (double[] Nodes, double[] Weights) rule = GaussLegendre.Rule(spec.Degree + 1);

    protected override int PreparedCount => spec.ParameterCount;

    protected override void Prepare(ReadOnlySpan<double> raw, Span<double> prepared) => raw.CopyTo(prepared);

    protected override (double Value, double LogDerivative) Map(double x, ReadOnlySpan<double> prepared)
    {
        double integral = 0;
        for (int i = 0; i < rule.Nodes.Length; i++)
            integral += Derivative(x * rule.Nodes[i], prepared) * rule.Weights[i];
        return (integral * x + prepared[^1], Scalar.Log(Derivative(x, prepared)));
    }

    private double Derivative(double u, ReadOnlySpan<double> coefficients)
    {
        double scaled = u / SumOfSquaresElement.Unit, sum = 0;
        for (int k = 0; k < spec.Polynomials; k++)
        {
            double value = 0;
            for (int j = spec.Degree; j >= 0; j--)
                value = value * scaled + coefficients[k * (spec.Degree + 1) + j];
            sum += (1 + value) * (1 + value);
        }
        return sum / spec.Polynomials + spec.Slope;
    }

    protected override string MapText(KernelText text, string name) => $$"""
        template<class P> struct {{name}}
        {
            P p;
            MEMBER void prepare() {}
            HOT_MEMBER double derivative(double u) const
            {
                double scaled = u / {{KernelText.Double(SumOfSquaresElement.Unit)}}, sum = 0;
                for (int k = 0; k < {{spec.Polynomials}}; k++)
                {
                    double value = 0;
                    for (int j = {{spec.Degree}}; j >= 0; j--)
                        value = value * scaled + (double)p(k * {{spec.Degree + 1}} + j);
                    sum += (1 + value) * (1 + value);
                }
                return sum / {{spec.Polynomials}} + {{KernelText.Double(spec.Slope)}};
            }
            HOT_MEMBER double operator()(double x, double &log_derivative) const
            {
                const double {{NumericalText.Rule([.. rule.Nodes.Zip(rule.Weights)], KernelText.Double)}};
                double integral = 0;
                for (int i = 0; i < {{spec.Degree + 1}}; i++)
                    integral += derivative(x * nodes[i]) * weights[i];
                log_derivative = logarithm(derivative(x));
                return integral * x + (double)p({{spec.ParameterCount - 1}});
            }
        };
        """;
}
