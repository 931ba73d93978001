using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>Some features uniform, the others normal: the base of a flow whose data are angles and other values.</summary>
public sealed record UniformNormalSpec : BaseDensitySpec
{
    /// <summary>The positions of the uniform features.</summary>
    public required int[] Uniform { get; init; }

    internal override void Check(SpecScope at, LatentPlace latent)
    {
        at.Positions("uniform", Uniform, latent.Width);
        at.Need("scale", latent.Width);
    }
}

/// <summary>
/// Feature by feature, uniform on [-scale / 2, scale / 2] or N(0, scale^2) (normflows' UniformGaussian). The uniform ones have no
/// temperature: any leaves them as they are.
/// </summary>
public sealed class UniformNormal : BaseDensity
{
    // An angle at the very end of its circle, as a spline's rounding may leave it, is still on it.
    private const double Margin = 1e-6;

    private readonly Tensor scale;
    private readonly Constant uniform;
    private readonly int normals;

    public UniformNormal(UniformNormalSpec spec, int width) : base(nameof(UniformNormal), width)
    {
        normals = width - spec.Uniform.Length;
        scale = ones(width);
        uniform = new Constant(tensor(Enumerable.Range(0, width).Select(spec.Uniform.Contains).ToArray()));
        RegisterComponents();
    }

    public override Tensor LogProb(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor inside = where(z.abs().le(scale * (0.5 * (1 + Margin))), zeros_like(z), full_like(z, double.NegativeInfinity));
        Tensor each = where(uniform.Values, inside, Normal(z / scale));
        return (each.sum(1) - scale.log().sum()).MoveToOuterDisposeScope();
    }

    public override Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor z = where(uniform.Values, (noise / Math.Sqrt(2)).erf() * 0.5, noise * temperature.unsqueeze(1)) * scale;
        Tensor each = where(uniform.Values, zeros_like(noise), Normal(noise));
        Tensor logDensity = each.sum(1) - scale.log().sum() - temperature.log() * normals;
        return new(z.MoveToOuterDisposeScope(), logDensity.MoveToOuterDisposeScope());
    }

    private static Tensor Normal(Tensor z) => (z.square() + Math.Log(2 * Math.PI)) * -0.5;
}
