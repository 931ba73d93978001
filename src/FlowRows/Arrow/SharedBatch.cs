using Apache.Arrow;

namespace FlowRows.Arrow;

/// <summary>
/// A record batch and those who still read of it: its memory is one piece, which the library's slices do not hold on to, and goes back to the
/// pool with the last of them.
/// </summary>
internal sealed class SharedBatch(RecordBatch batch) : IDisposable
{
    private int users = 1;

    public RecordBatch Batch => batch;

    /// <summary>One more disposes of it.</summary>
    public SharedBatch Shared()
    {
        Interlocked.Increment(ref users);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref users) == 0)
            batch.Dispose();
    }
}
