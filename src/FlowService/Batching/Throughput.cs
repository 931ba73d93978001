namespace FlowService.Batching;

/// <summary>The rows per second that a model's engines compute together, over its last batches.</summary>
internal sealed class Throughput(int engines)
{
    // Half of the weight lies on the last seven batches.
    private const double Decay = 0.9;

    private double rows, seconds;

    /// <summary>Rows per second, or 0 before the first batch.</summary>
    public double RowsPerSecond => seconds > 0 ? engines * rows / seconds : 0;

    public void Add(int batchRows, TimeSpan took) =>
        (rows, seconds) = (rows * Decay + batchRows, seconds * Decay + took.TotalSeconds);
}
