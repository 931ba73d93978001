using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Steps;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>A mixture of diagonal normals.</summary>
public sealed record GaussianMixtureSpec : BaseDensitySpec
{
    public required int Components { get; init; }

    internal override void Check(SpecScope at, LatentPlace latent)
    {
        at.Within("components", Components, 1, 65536);
        at.Need("loc", WeightType.F64, Components, latent.Width);
        at.Need("log_scale", WeightType.F64, Components, latent.Width);
        at.Need("weight_scores", WeightType.F64, Components);
    }

    internal override int NoiseWidth(int width) => width + 1;

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights)
    {
        Formula logWeights = weights.Take("weight_scores", Components).LogSoftmax();
        to.Add(new MixtureOperation(to.Regions, width, logWeights, weights.Take("loc", Components, width), weights.Take("log_scale", Components, width)));
    }
}

/// <summary>
/// sum_m softmax(weight_scores)_m N(loc_m, diag(exp(log_scale_m)^2)). Behind each latent stands one more noise value, which picks
/// the component; the temperature scales the components' spread. Parameters are stored in float64, as normflows stores them.
/// </summary>
public sealed class GaussianMixture : BaseDensity
{
    private static readonly double HalfLog2Pi = 0.5 * Math.Log(2 * Math.PI);

    private readonly Parameter loc;
    private readonly Parameter log_scale;
    private readonly Parameter weight_scores;

    public GaussianMixture(GaussianMixtureSpec spec, int width) : base(nameof(GaussianMixture), width)
    {
        loc = new Parameter(zeros(spec.Components, width, float64));
        log_scale = new Parameter(zeros(spec.Components, width, float64));
        weight_scores = new Parameter(zeros(spec.Components, float64));
        RegisterComponents();
    }

    public override int NoiseWidth => Width + 1;

    public override Tensor LogProb(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return LogDensity(z, log_scale.unsqueeze(0)).MoveToOuterDisposeScope();
    }

    public override Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor pick = (noise.select(1, Width) / Math.Sqrt(2)).erf() * 0.5 + 0.5;
        Tensor above = weight_scores.softmax(0).cumsum(0).narrow(0, 0, weight_scores.shape[0] - 1);
        Tensor component = above.unsqueeze(0).le(pick.unsqueeze(1)).sum(1);
        Tensor spread = log_scale.unsqueeze(0) + temperature.log().reshape(-1, 1, 1);
        Tensor z = loc.index_select(0, component)
            + noise.narrow(1, 0, Width) * log_scale.index_select(0, component).exp() * temperature.unsqueeze(1);
        return new(z.MoveToOuterDisposeScope(), LogDensity(z, spread).MoveToOuterDisposeScope());
    }

    // z [batch, width], logScale [1 or batch, components, width]
    private Tensor LogDensity(Tensor z, Tensor logScale)
    {
        Tensor noise = (z.unsqueeze(1) - loc.unsqueeze(0)) * (-logScale).exp();
        Tensor each = noise.square().sum(2) * -0.5 - logScale.sum(2) - HalfLog2Pi * Width;
        return (each + weight_scores.log_softmax(0)).logsumexp(1);
    }
}
