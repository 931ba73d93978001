using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>The density over the latents, in flat rows <c>[batch, width]</c>.</summary>
public abstract class BaseDensity(string name, int width) : nn.Module(name)
{
    /// <summary>The number of values in one latent.</summary>
    public int Width { get; } = width;

    /// <summary>The number of standard normal noise values behind one latent.</summary>
    public virtual int NoiseWidth => Width;

    /// <summary>log p(z) in nats, <c>[batch]</c>.</summary>
    public abstract Tensor LogProb(Tensor z, Tensor? context);

    /// <summary>
    /// Latents made from standard normal noise <c>[batch, noise width]</c>, each row's noise scaled by its temperature
    /// <c>[batch]</c>, and the log density that they were really drawn from, in nats.
    /// </summary>
    public abstract Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context);
}

/// <summary>Latents, and the log density they were drawn from: <c>[batch]</c>, in nats.</summary>
public readonly record struct Drawn(Tensor Latents, Tensor LogDensity);
