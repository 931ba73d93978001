namespace FlowRows.Buffers;

/// <summary>What was computed of some rows, each with one entry for each row.</summary>
/// <param name="Values">z of data, or x of latents and samples; null where nobody asked for them.</param>
/// <param name="LogDet">The log-determinant of the direction taken, in nats.</param>
/// <param name="LogProb">The model's log density of the data, in nats.</param>
/// <param name="Latents">Of samples: the latents they were made from.</param>
/// <param name="LogQ">Of samples: the log density that they were really drawn from.</param>
internal sealed record RowResults<T>(RowBuffer<T>? Values, RowBuffer<T> LogDet, RowBuffer<T> LogProb, RowBuffer<T>? Latents = null, RowBuffer<T>? LogQ = null)
    : IDisposable
    where T : unmanaged
{
    public void Dispose()
    {
        Values?.Dispose();
        LogDet.Dispose();
        LogProb.Dispose();
        Latents?.Dispose();
        LogQ?.Dispose();
    }
}
