using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>Independent normals with learned means and log standard deviations.</summary>
public sealed record DiagonalNormalSpec : BaseDensitySpec;

/// <summary>N(loc, diag(exp(log_scale)^2)).</summary>
public sealed class DiagonalNormal : BaseDensity
{
    private readonly Parameter loc;
    private readonly Parameter log_scale;

    public DiagonalNormal(int width) : base(nameof(DiagonalNormal), width)
    {
        loc = new Parameter(zeros(width));
        log_scale = new Parameter(zeros(width));
        RegisterComponents();
    }

    public override Tensor LogProb(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor noise = (z - loc) * (-log_scale).exp();
        return (StandardNormal.LogProb(noise) - log_scale.sum()).MoveToOuterDisposeScope();
    }

    public override Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor z = loc + noise * temperature.unsqueeze(1) * log_scale.exp();
        Tensor logDensity = StandardNormal.LogProb(noise) - temperature.log() * Width - log_scale.sum();
        return new(z.MoveToOuterDisposeScope(), logDensity.MoveToOuterDisposeScope());
    }
}
