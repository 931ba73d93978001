using System.Numerics;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>The settings of <see cref="BernsteinElement"/>.</summary>
public sealed record BernsteinElementSpec : ElementSpec
{
    /// <summary>The number of raw parameters; the polynomial has four more increments, two fixed ones at each end.</summary>
    public required int Increments { get; init; }

    public double Bound { get; init; } = 5.0;

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Within("increments", Increments, 1, 512);
        at.Positive("bound", Bound);
    }

    internal override int ParameterCount => Increments;

    internal override ElementKernel<T> Compile<T>() => new BernsteinKernel<T>(this);
}

/// <summary>
/// A Bernstein polynomial with increasing coefficients on [-bound, bound] and straight lines of slope 1 outside (Ramasinghe et
/// al. 2021, arXiv 2102.03509; zuko's bounded form). The inverse is numerical. At the two ends the polynomial is met 1e-6 of the
/// interval inside them, as zuko does: the lines lie 1e-5 (for bound 5) off the identity.
/// </summary>
public sealed class BernsteinElement : NumericalElement
{
    internal const double Margin = 1e-6;
    private readonly int increments;
    private readonly double bound;

    public BernsteinElement(BernsteinElementSpec spec) : base(nameof(BernsteinElement)) =>
        (increments, bound) = (spec.Increments, spec.Bound);

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

/// <summary>The same, compiled.</summary>
internal sealed class BernsteinKernel<T>(BernsteinElementSpec spec) : NumericalKernel<T>(spec.Increments, 2 * spec.Bound, takesEveryValue: true)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int order = spec.Increments + 4;
    private readonly double bound = spec.Bound;

    // The increments of the coefficients, then the coefficients.
    protected override int PreparedCount => 2 * order + 1;

    protected override void Prepare(ReadOnlySpan<double> raw, Span<double> prepared)
    {
        double step = 2 * bound / order, most = double.NegativeInfinity, sum = 0, coefficient = -bound;
        foreach (double value in raw)
            most = Math.Max(most, value);
        foreach (double value in raw)
            sum += Scalar.Exp(value - most);
        for (int k = 0; k < order; k++)
            prepared[k] = k < 2 || k >= order - 2 ? step : Scalar.Exp(raw[k - 2] - most) / sum * (2 * bound - 4 * step);
        for (int k = 0; k <= order; k++)
        {
            prepared[order + k] = coefficient;
            coefficient += k < order ? prepared[k] : 0;
        }
    }

    protected override (double Value, double LogDerivative) Map(double x, ReadOnlySpan<double> prepared)
    {
        double share = (x + bound) / (2 * bound);
        if (!(share >= BernsteinElement.Margin && share <= 1 - BernsteinElement.Margin))
            return (x + (share < BernsteinElement.Margin ? -1 : share > 1 - BernsteinElement.Margin ? 1 : double.NaN) * 2 * bound * BernsteinElement.Margin, 0);
        return (Polynomial(share, prepared[order..]), Scalar.Log(Polynomial(share, prepared[..order]) * (order / (2 * bound))));
    }

    // De Casteljau's scheme.
    private static double Polynomial(double share, ReadOnlySpan<double> coefficients)
    {
        Span<double> values = stackalloc double[coefficients.Length];
        coefficients.CopyTo(values);
        for (int n = values.Length - 1; n > 0; n--)
            for (int k = 0; k < n; k++)
                values[k] = values[k] * (1 - share) + values[k + 1] * share;
        return values[0];
    }

    // Increments are made anew at each step of a search, which costs less than to keep them.
    protected override string MapText(KernelText text, string name) => $$"""
        template<class P> struct {{name}}
        {
            P p;
            double most, sum;
            MEMBER void prepare()
            {
                most = -number_of(0x7ff0000000000000LL), sum = 0;
                for (int k = 0; k < {{spec.Increments}}; k++)
                    most = most > p(k) ? most : (double)p(k);
                for (int k = 0; k < {{spec.Increments}}; k++)
                    sum += exponential((double)p(k) - most);
            }
            MEMBER double increment(int k) const
            {
                return k < 2 || k >= {{order - 2}} ? {{KernelText.Double(2 * bound / order)}}
                    : exponential((double)p(k - 2) - most) / sum * {{KernelText.Double(2 * bound - 4 * (2 * bound / order))}};
            }
            MEMBER static double polynomial(double share, double *values, int degree)
            {
                for (int n = degree; n > 0; n--)
                    for (int k = 0; k < n; k++)
                        values[k] = values[k] * (1 - share) + values[k + 1] * share;
                return values[0];
            }
            HOT_MEMBER double operator()(double x, double &log_derivative) const
            {
                const double bound = {{KernelText.Double(bound)}}, margin = {{KernelText.Double(BernsteinElement.Margin)}};
                double values[{{order + 1}}], share = (x + bound) / (2 * bound);
                log_derivative = 0;
                if (!(share >= margin && share <= 1 - margin))
                    return x + (share < margin ? -1 : share > 1 - margin ? 1 : number_of(0x7ff8000000000000LL)) * 2 * bound * margin;
                for (int k = 0; k < {{order}}; k++)
                    values[k] = increment(k);
                log_derivative = logarithm(polynomial(share, values, {{order - 1}}) * {{KernelText.Double(order / (2 * bound))}});
                values[0] = -bound;
                for (int k = 0; k < {{order}}; k++)
                    values[k + 1] = values[k] + increment(k);
                return polynomial(share, values, {{order}});
            }
        };
        """;
}
