using System.Numerics;
using FlowCore.Densities;
using FlowCore.Engines.Compiled.Kernels;
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
            sum += Math.Exp(logit - most);
        for (int k = 0; k < count; k++)
        {
            double logWeight = raw[k] - most - Math.Log(sum), u = raw[2 * count + k];
            double deviation = Math.Max(u, 0) + double.LogP1(Math.Exp(-Math.Abs(u))) + spec.Least;
            prepared[k] = Math.Exp(logWeight);
            prepared[count + k] = logWeight - Math.Log(deviation);
            prepared[2 * count + k] = raw[count + k];
            prepared[3 * count + k] = 1 / deviation;
        }
    }

    protected override (double Value, double LogDerivative) Map(double x, ReadOnlySpan<double> prepared)
    {
        int count = spec.Components;
        double below = 0, above = 0, most = double.NegativeInfinity, sum = 0;
        for (int k = 0; k < count; k++)
        {
            double u = (x - prepared[2 * count + k]) * prepared[3 * count + k], each = prepared[count + k] - 0.5 * u * u;
            below += prepared[k] * Scalar.NormalDistribution(u);
            above += prepared[k] * Scalar.NormalDistribution(-u);
            if (each > most)
                (sum, most) = (sum * Math.Exp(most - each) + 1, each);
            else
                sum += Math.Exp(each - most);
        }
        double y = below <= above
            ? NormalQuantile.At(Math.Max(below, MixtureElement.LeastShare))
            : -NormalQuantile.At(Math.Max(above, MixtureElement.LeastShare));
        return (y, most + Math.Log(sum) + 0.5 * y * y);
    }
}
