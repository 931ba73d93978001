using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>
/// A smooth invertible map between tensors of shape <c>[batch, ...event]</c>. Forward leads from data to latents, the
/// direction that scores; inverse leads back, the direction that samples.
/// </summary>
public abstract class Bijection(string name) : nn.Module(name)
{
    private const long PieceValues = 1 << 16;

    /// <summary>z and log|det dz/dx| in nats, <c>[batch]</c>. The context is <c>[batch, context]</c>, or null.</summary>
    public abstract Mapped Forward(Tensor x, Tensor? context);

    /// <summary>x and log|det dx/dz| in nats, <c>[batch]</c>: minus what <see cref="Forward"/> gives at that x.</summary>
    public abstract Mapped Inverse(Tensor z, Tensor? context);

    /// <summary>
    /// Sets what depends on the data (ActNorm), seen at this bijection's input, and returns what the data become; called once, by
    /// training alone. Networks see few rows at a time.
    /// </summary>
    public virtual Tensor StartFrom(Tensor x, Tensor? context)
    {
        Initialize(x, context);
        int piece = (int)Math.Max(1, PieceValues / Math.Max(1, x.numel() / x.shape[0]));
        using var scope = NewDisposeScope();
        var pieces = new List<Tensor>();
        for (long first = 0; first < x.shape[0]; first += piece)
        {
            using var step = NewDisposeScope();
            long count = Math.Min(piece, x.shape[0] - first);
            pieces.Add(Forward(x.narrow(0, first, count), context?.narrow(0, first, count)).Values.MoveToOuterDisposeScope());
        }
        return cat(pieces, 0).MoveToOuterDisposeScope();
    }

    /// <summary>Sets what depends on the data.</summary>
    protected virtual void Initialize(Tensor x, Tensor? context)
    {
    }
}

/// <summary>Values, and the log-determinant of the direction that led to them: <c>[batch]</c>, in nats.</summary>
public readonly record struct Mapped(Tensor Values, Tensor LogDet);
