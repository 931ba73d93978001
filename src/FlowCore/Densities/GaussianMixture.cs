using System.Text.Json.Serialization;
using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Steps;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>What the components of a mixture know of how features vary together.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MixtureCovariance>))]
public enum MixtureCovariance
{
    /// <summary>Nothing: each feature has a spread of its own.</summary>
    [JsonStringEnumMemberName("diagonal")]
    Diagonal,

    /// <summary>All: each component has a whole covariance matrix.</summary>
    [JsonStringEnumMemberName("full")]
    Full,
}

/// <summary>A mixture of normals.</summary>
public sealed record GaussianMixtureSpec : BaseDensitySpec
{
    public required int Components { get; init; }

    public MixtureCovariance Covariance { get; init; }

    internal override void Check(SpecScope at, LatentPlace latent)
    {
        at.Within("components", Components, 1, 65536);
        at.Known("covariance", Covariance);
        at.Need("loc", WeightType.F64, Components, latent.Width);
        at.Need("log_scale", WeightType.F64, Components, latent.Width);
        at.Need("weight_scores", WeightType.F64, Components);
        if (Covariance != MixtureCovariance.Full)
            return;
        if ((long)latent.Width * latent.Width > SpecScope.MostValues / Components)
            throw at.Refusal("covariance", $"{Components} whole matrices of {latent.Width} x {latent.Width} are more than {SpecScope.MostValues} values");
        at.Need("precision", WeightType.F64, Components, latent.Width, latent.Width);
    }

    internal override int NoiseWidth(int width) => width + 1;

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights)
    {
        Formula logWeights = weights.Take("weight_scores", Components).LogSoftmax(), means = weights.Take("loc", Components, width);
        Formula logScales = weights.Take("log_scale", Components, width), precision = (-logScales).Exp();
        if (Covariance == MixtureCovariance.Full)
            precision = Formula.Joined(precision, weights.Take("precision", Components, width, width));
        to.Add(new MixtureOperation(to.Regions, width, Covariance, logWeights, logWeights - logScales.LineSums(width), means, precision));
    }
}

/// <summary>
/// sum_m softmax(weight_scores)_m N(loc_m, (P_m^T P_m)^-1) with the lower triangle P_m, on whose diagonal stands exp(-log_scale_m), and
/// below it, where the covariance is full, precision_m. Behind each latent stands one more noise value, which picks the component; the
/// temperature scales the components' spread. Parameters are stored in float64, as normflows stores them.
/// </summary>
public sealed class GaussianMixture : BaseDensity
{
    private static readonly double HalfLog2Pi = 0.5 * Math.Log(2 * Math.PI);

    private readonly Parameter loc;
    private readonly Parameter log_scale;
    private readonly Parameter weight_scores;
    private readonly Parameter? precision;

    public GaussianMixture(GaussianMixtureSpec spec, int width) : base(nameof(GaussianMixture), width)
    {
        loc = new Parameter(zeros(spec.Components, width, float64));
        log_scale = new Parameter(zeros(spec.Components, width, float64));
        weight_scores = new Parameter(zeros(spec.Components, float64));
        if (spec.Covariance == MixtureCovariance.Full)
            precision = new Parameter(zeros(spec.Components, width, width, float64));
        RegisterComponents();
    }

    public override int NoiseWidth => Width + 1;

    public override Tensor LogProb(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return LogDensity(z, zeros(1, loc.dtype, loc.device)).MoveToOuterDisposeScope();
    }

    public override Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor pick = (noise.select(1, Width) / Math.Sqrt(2)).erf() * 0.5 + 0.5;
        Tensor above = weight_scores.softmax(0).cumsum(0).narrow(0, 0, weight_scores.shape[0] - 1);
        Tensor component = above.unsqueeze(0).le(pick.unsqueeze(1)).sum(1);
        Tensor unit = noise.narrow(1, 0, Width) * temperature.unsqueeze(1);
        Tensor offset = precision is null
            ? unit * log_scale.index_select(0, component).exp()
            : linalg.solve_triangular(Triangles(precision).index_select(0, component), unit.to(precision.dtype).unsqueeze(2), upper: false).squeeze(2);
        Tensor z = loc.index_select(0, component) + offset;
        return new(z.MoveToOuterDisposeScope(), LogDensity(z, temperature.log()).MoveToOuterDisposeScope());
    }

    // z [batch, width], logTemperature [1 or batch]
    private Tensor LogDensity(Tensor z, Tensor logTemperature)
    {
        Tensor offset = z.unsqueeze(1) - loc.unsqueeze(0);
        Tensor unit = precision is null ? offset * (-log_scale).exp() : einsum("kij,bkj->bki", Triangles(precision), offset);
        Tensor heat = logTemperature.reshape(-1, 1);
        Tensor each = unit.square().sum(2) * -0.5 * (heat * -2).exp() - log_scale.sum(1) - (heat + HalfLog2Pi) * Width;
        return (each + weight_scores.log_softmax(0)).logsumexp(1);
    }

    private Tensor Triangles(Tensor below) => below.tril(-1) + (-log_scale).exp().diag_embed();
}
