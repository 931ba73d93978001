using System.Text.Json.Serialization;
using FlowCore.Densities;
using FlowCore.Engines.Compiled;

namespace FlowCore;

/// <summary>One kind of density over the latents.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(StandardNormalSpec), "standard_normal")]
[JsonDerivedType(typeof(DiagonalNormalSpec), "diagonal_normal")]
[JsonDerivedType(typeof(ConditionalNormalSpec), "conditional_normal")]
[JsonDerivedType(typeof(ClassNormalSpec), "class_normal")]
[JsonDerivedType(typeof(GlowNormalSpec), "glow_normal")]
[JsonDerivedType(typeof(GaussianMixtureSpec), "gaussian_mixture")]
[JsonDerivedType(typeof(BoxUniformSpec), "box_uniform")]
[JsonDerivedType(typeof(UniformNormalSpec), "uniform_normal")]
[JsonDerivedType(typeof(LevelsSpec), "levels")]
[JsonDerivedType(typeof(GivenSpec), "given")]
[JsonDerivedType(typeof(FlowBaseSpec), "flow")]
public abstract record BaseDensitySpec
{
    /// <summary>Refuses, by field, what cannot be the density of such latents, and states the tensors that are needed there.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal abstract void Check(SpecScope at, LatentPlace latent);

    /// <summary>Refuses weights under which it would be no density.</summary>
    /// <exception cref="FlowException">The message names the field, or the tensor.</exception>
    internal virtual void CheckWeights(SpecScope at, LatentPlace latent, WeightScope weights)
    {
    }

    /// <summary>The number of standard normal noise values behind so many values of a latent.</summary>
    internal virtual int NoiseWidth(int width) => width;

    /// <summary>The density of a latent's values from <c>first</c> on, as the compiled engine computes it.</summary>
    /// <exception cref="NotCompiledException">The compiled engine does not run this kind; TorchEngine does.</exception>
    internal virtual void Compile(DensityCompiler to, int first, int width, WeightScope weights) =>
        throw new NotCompiledException($"{GetType().Name[..^4]} is not compiled");
}
