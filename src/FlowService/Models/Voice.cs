using FlowSound;

namespace FlowService.Models;

/// <summary>A vocoder, which the model's threads take turns at: a block of a request's sound is a batch of the model's queue.</summary>
internal sealed class Voice(Vocoder vocoder) : IDisposable
{
    private readonly Lock turn = new();

    public Vocoder Vocoder => vocoder;

    /// <summary>Computes on the caller's thread, when it is its turn.</summary>
    public T Compute<T>(Func<T> block)
    {
        lock (turn)
            return block();
    }

    public void Dispose() => vocoder.Dispose();
}
