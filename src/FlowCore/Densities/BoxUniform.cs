using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Steps;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>Independent uniforms between fixed bounds.</summary>
public sealed record BoxUniformSpec : BaseDensitySpec
{
    internal override void Check(SpecScope at, LatentPlace latent)
    {
        at.Need("lower", latent.Width);
        at.Need("upper", latent.Width);
    }

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights) =>
        to.Add(new BoxOperation(to.Regions, first, weights.Read("lower", width), weights.Read("upper", width)));
}

/// <summary>Uniform on [lower, upper], feature by feature; zero density outside. It has no temperature: any leaves it as it is.</summary>
public sealed class BoxUniform : BaseDensity
{
    private readonly Tensor lower;
    private readonly Tensor upper;

    public BoxUniform(int width) : base(nameof(BoxUniform), width)
    {
        lower = zeros(width);
        upper = ones(width);
        RegisterComponents();
    }

    public override Tensor LogProb(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor inside = z.ge(lower).logical_and(z.le(upper)).all(1);
        Tensor logDensity = LogDensity(z);
        return where(inside, logDensity, full_like(logDensity, double.NegativeInfinity)).MoveToOuterDisposeScope();
    }

    public override Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor share = (noise / Math.Sqrt(2)).erf() * 0.5 + 0.5;
        return new((lower + share * (upper - lower)).MoveToOuterDisposeScope(), LogDensity(noise).MoveToOuterDisposeScope());
    }

    private Tensor LogDensity(Tensor rows) => zeros_like(rows.select(1, 0)) - (upper - lower).log().sum();
}
