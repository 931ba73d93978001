using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Telemetry;

namespace FlowService.Models;

/// <summary>
/// A flow taken apart, once somebody asks. Requests take turns at it, beside the model's queue; while they wait their rows have places among those that
/// wait for the model, and none waits longer than in the queue.
/// </summary>
internal sealed class LayeredModel(Checkpoint checkpoint, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim turn = new(1);
    private readonly Lazy<LayeredFlow<float>> flow = new(() => new(checkpoint));

    public int Count => checkpoint.Spec.Bijections.Length;

    /// <summary>Computes, when it is the caller's turn, what <see cref="LayeredFlow{T}.Decode"/> says.</summary>
    /// <exception cref="Errors.RequestException">429 where too many rows wait for the model, 504 where the turn does not come in time.</exception>
    public async Task DecodeAsync(
        ServedModel model, RowBuffer<float> z, float[] context, float[] values, float[] logDensity, TimeSpan timeout, RequestFacts? facts, CancellationToken callerGone)
    {
        int rows = z.Length / model.Width;
        long came = time.GetTimestamp();
        Inference.TakePlaces(model, rows);
        try
        {
            if (!await turn.WaitAsync(timeout, callerGone))
                throw Deadline.Passed();
        }
        finally
        {
            model.Queue.Release(rows);
        }
        try
        {
            TimeSpan waited = time.GetElapsedTime(came);
            flow.Value.Decode(z.Span, context, values, logDensity);
            facts?.Computed(came, waited);
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose()
    {
        if (flow.IsValueCreated)
            flow.Value.Dispose();
        turn.Dispose();
    }
}
