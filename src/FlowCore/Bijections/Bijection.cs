using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>
/// A smooth invertible map between tensors of shape <c>[batch, ...event]</c>. Forward leads from data to latents, the
/// direction that scores; inverse leads back, the direction that samples.
/// </summary>
public abstract class Bijection(string name) : nn.Module(name)
{
    /// <summary>z and log|det dz/dx| in nats, <c>[batch]</c>. The context is <c>[batch, context]</c>, or null.</summary>
    public abstract Mapped Forward(Tensor x, Tensor? context);

    /// <summary>x and log|det dx/dz| in nats, <c>[batch]</c>: minus what <see cref="Forward"/> gives at that x.</summary>
    public abstract Mapped Inverse(Tensor z, Tensor? context);

    /// <summary>Sets what depends on the data (ActNorm), seen at this bijection's input; called once, by training alone.</summary>
    public virtual void Initialize(Tensor x, Tensor? context)
    {
    }
}

/// <summary>Values, and the log-determinant of the direction that led to them: <c>[batch]</c>, in nats.</summary>
public readonly record struct Mapped(Tensor Values, Tensor LogDet);
