using FlowSound;

namespace FlowService.Models;

/// <summary>A vocoder that requests take turns at: each holds it for a block, so that none waits for another's whole sound.</summary>
internal sealed class Voice(Vocoder vocoder) : IDisposable
{
    private readonly SemaphoreSlim turn = new(1);

    public Vocoder Vocoder => vocoder;

    /// <summary>Computes on a thread of the pool, when it is the caller's turn.</summary>
    public async Task<T> RunAsync<T>(Func<Vocoder, T> compute, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        try
        {
            return await Task.Run(() => compute(vocoder), cancellation);
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose()
    {
        vocoder.Dispose();
        turn.Dispose();
    }
}
