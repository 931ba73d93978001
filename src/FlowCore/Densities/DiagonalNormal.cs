using FlowCore.Engines.Compiled;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>Independent normals with learned means and standard deviations.</summary>
public sealed record DiagonalNormalSpec : BaseDensitySpec
{
    /// <summary>Whether the standard deviations themselves are stored (zuko), not their logarithms.</summary>
    public bool PlainScale { get; init; }

    internal override void Check(SpecScope at, LatentPlace latent)
    {
        at.Need("loc", latent.Width);
        at.Need(PlainScale ? "scale" : "log_scale", latent.Width);
    }

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights) => to.Normal(first, width,
        weights.Take("loc", width), PlainScale ? weights.Take("scale", width).Log() : weights.Take("log_scale", width));
}

/// <summary>N(loc, diag(exp(log_scale)^2)), or N(loc, diag(scale^2)).</summary>
public sealed class DiagonalNormal : NormalDensity
{
    private readonly Parameter loc;
    private readonly Parameter? log_scale;
    private readonly Parameter? scale;

    public DiagonalNormal(DiagonalNormalSpec spec, int width) : base(nameof(DiagonalNormal), width)
    {
        loc = new Parameter(zeros(width));
        log_scale = spec.PlainScale ? null : new Parameter(zeros(width));
        scale = spec.PlainScale ? new Parameter(ones(width)) : null;
        RegisterComponents();
    }

    protected override (Tensor Mean, Tensor LogScale) Parameters(Tensor? context) => (loc, scale?.log() ?? log_scale!);
}
