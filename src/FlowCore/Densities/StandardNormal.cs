using FlowCore.Engines.Compiled;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>Independent standard normals: no parameters.</summary>
public sealed record StandardNormalSpec : BaseDensitySpec
{
    internal override void Check(SpecScope at, LatentPlace latent)
    {
    }

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights) => to.Normal(first, width, null, null);
}

/// <summary>N(0, I).</summary>
public sealed class StandardNormal(int width) : BaseDensity(nameof(StandardNormal), width)
{
    private static readonly double HalfLog2Pi = 0.5 * Math.Log(2 * Math.PI);

    public override Tensor LogProb(Tensor z, Tensor? context) => LogProb(z);

    /// <summary>-|z|^2/2 - width/2 log(2 pi), <c>[batch]</c>, in nats.</summary>
    public static Tensor LogProb(Tensor z)
    {
        using var scope = NewDisposeScope();
        return (z.square().sum(1) * -0.5 - HalfLog2Pi * z.shape[1]).MoveToOuterDisposeScope();
    }

    public override Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor logDensity = LogProb(noise) - temperature.log() * Width;
        return new((noise * temperature.unsqueeze(1)).MoveToOuterDisposeScope(), logDensity.MoveToOuterDisposeScope());
    }
}
