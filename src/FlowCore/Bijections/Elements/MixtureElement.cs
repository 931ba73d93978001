using System.Numerics;
using FlowCore.Densities;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;
using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>The settings of <see cref="MixtureElement"/>.</summary>
public sealed record MixtureElementSpec : ElementSpec
{
    public required int Components { get; init; }

    /// <summary>What is added to the standard deviations, so that they stay away from 0.</summary>
    public double Least { get; init; } = 1e-2;

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Within("components", Components, 1, 1024);
        at.Positive("least", Least);
    }

    internal override int ParameterCount => 3 * Components;

    internal override ElementKernel<T> Compile<T>() => new MixtureKernel<T>(this);
}

/// <summary>
/// y = the normal quantile of F(x), F being the distribution function of a mixture of normals: with a standard normal behind it, the
/// density of x is the mixture's, to the last digits even where F is all but 0 or 1. Parameters [K logits | K means | K raw standard
/// deviations u], of which softplus(u) + least are the deviations (Papamakarios, Pavlakou, Murray 2017, arXiv 1705.07057, the MADE MoG;
/// nflows). The inverse is numerical.
/// </summary>
public sealed class MixtureElement(MixtureElementSpec spec) : NumericalElement(nameof(MixtureElement))
{
    internal const double Furthest = 10;

    /// <summary>A share of the distribution below which the latent stays where it is: about 37 standard deviations out, 12 in float32.</summary>
    internal const double LeastShare = 1e-300, LeastSingleShare = 1e-35;

    public override int Parameters => spec.ParameterCount;

    protected override double Reach => Furthest;

    public override ElementMapped Forward(Tensor x, Tensor parameters)
    {
        int count = spec.Components;
        Tensor logWeights = parameters.narrow(-1, 0, count).log_softmax(-1), weights = logWeights.exp();
        Tensor deviations = ExactSoftplus.Of(parameters.narrow(-1, 2 * count, count)) + spec.Least;
        Tensor u = (x.unsqueeze(-1) - parameters.narrow(-1, count, count)) / deviations;
        Tensor below = (weights * (-u / Math.Sqrt(2)).erfc()).sum(-1) * 0.5, above = (weights * (u / Math.Sqrt(2)).erfc()).sum(-1) * 0.5;
        Tensor tail = minimum(below, above).clamp_min(x.dtype == ScalarType.Float64 ? LeastShare : LeastSingleShare);
        Tensor y = special.ndtri(tail) * where(below.le(above), ones_like(x), -ones_like(x));
        Tensor logDensity = (logWeights - deviations.log() - u * u / 2).logsumexp(-1);
        return new(y, logDensity + y * y / 2);
    }
}

/// <summary>The same, compiled.</summary>
internal sealed class MixtureKernel<T>(MixtureElementSpec spec)
    : NumericalKernel<T>(spec.ParameterCount, MixtureElement.Furthest, takesEveryValue: true)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Weights, their logarithms less those of the deviations, means, and what deviations divide by.
    protected override int PreparedCount => 4 * spec.Components;

    protected override void Prepare(ReadOnlySpan<double> raw, Span<double> prepared)
    {
        int count = spec.Components;
        double most = double.NegativeInfinity, sum = 0;
        foreach (double logit in raw[..count])
            most = Math.Max(most, logit);
        foreach (double logit in raw[..count])
            sum += Scalar.Exp(logit - most);
        for (int k = 0; k < count; k++)
        {
            var (weight, peak, perDeviation) = Component(Scalar.Of(raw[k]), Scalar.Of(raw[2 * count + k]), Scalar.Of(most), Scalar.Of(sum));
            prepared[k] = weight.Value;
            prepared[count + k] = peak.Value;
            prepared[2 * count + k] = raw[count + k];
            prepared[3 * count + k] = perDeviation.Value;
        }
    }

    // A component's weight, its logarithm less that of the deviation, and 1 / deviation; of all logits the largest one and the sum of e^(logit - most).
    private (V Weight, V Peak, V PerDeviation) Component<V>(V logit, V raw, V most, V sum)
        where V : unmanaged, IValue<V>
    {
        V logWeight = logit - most - Elementary.Log(sum), deviation = Elementary.Softplus(raw) + V.Of(spec.Least);
        return (Elementary.Exp(logWeight), logWeight - Elementary.Log(deviation), V.Of(1) / deviation);
    }

    protected override (double Value, double LogDerivative) Map(double x, ReadOnlySpan<double> prepared)
    {
        int count = spec.Components;
        NormalSum<Scalar> sum = NormalSum<Scalar>.None;
        for (int k = 0; k < count; k++)
            sum = sum.With(Scalar.Of((x - prepared[2 * count + k]) * prepared[3 * count + k]), Scalar.Of(prepared[k]), Scalar.Of(prepared[count + k]));
        double below = sum.Below.Value, above = sum.Above.Value;
        double y = below <= above
            ? NormalQuantile.At(Math.Max(below, MixtureElement.LeastShare))
            : -NormalQuantile.At(Math.Max(above, MixtureElement.LeastShare));
        return (y, sum.LogDensity.Value + 0.5 * y * y);
    }

    // What is prepared of a component is made anew at each step of a search: a thread has no place for it.
    protected override string MapText(KernelText text, string name)
    {
        NormalSumText.Use(text);
        text.Use(Words.NormalQuantile);
        int count = spec.Components;
        string component = text.Function("component", called =>
        {
            var (body, results) = Term.Write(false, () =>
            {
                var (weight, peak, perDeviation) = Component(Term.Named("logit"), Term.Named("raw"), Term.Named("most"), Term.Named("sum"));
                return [weight, peak, perDeviation];
            });
            return $"HOT void {called}(double logit, double raw, double most, double sum, double &weight, double &peak, double &per_deviation)\n{{\n{body}"
                + $"    weight = {results[0]}, peak = {results[1]}, per_deviation = {results[2]};\n}}\n";
        });
        return $$"""
            template<class P> struct {{name}}
            {
                P p;
                double most, sum;
                MEMBER void prepare()
                {
                    most = -number_of(0x7ff0000000000000LL), sum = 0;
                    for (int k = 0; k < {{count}}; k++)
                        most = most > p(k) ? most : (double)p(k);
                    for (int k = 0; k < {{count}}; k++)
                        sum += exponential((double)p(k) - most);
                }
                HOT_MEMBER double operator()(double x, double &log_derivative) const
                {
                    const double least = {{KernelText.Double(MixtureElement.LeastShare)}};
                    NormalSum all{0, 0, -number_of(0x7ff0000000000000LL), 0};
                    for (int k = 0; k < {{count}}; k++)
                    {
                        double weight, peak, per_deviation;
                        {{component}}(p(k), p({{2 * count}} + k), most, sum, weight, peak, per_deviation);
                        all.add((x - (double)p({{count}} + k)) * per_deviation, weight, peak);
                    }
                    double y = all.below <= all.above ? normal_quantile(all.below < least ? least : all.below) : -normal_quantile(all.above < least ? least : all.above);
                    log_derivative = all.log_density() + 0.5 * y * y;
                    return y;
                }
            };
            """;
    }
}
