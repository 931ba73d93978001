using System.Buffers;

namespace FlowService.Wire;

/// <summary>Pooled float buffers for rows, each with one owner who returns it once.</summary>
internal sealed class RowPool
{
    private long outstanding;

    /// <summary>The number of buffers that are out: 0 while no request is under way.</summary>
    public long Outstanding => Interlocked.Read(ref outstanding);

    /// <summary>A buffer of <paramref name="length"/> values that hold whatever was there before.</summary>
    public RowBuffer Rent(int length) => new(this, length, length);

    /// <summary>An empty buffer to append to.</summary>
    public RowBuffer RentEmpty(int capacity = 1024) => new(this, capacity, 0);

    internal float[] Take(int capacity)
    {
        float[] array = ArrayPool<float>.Shared.Rent(capacity);
        Interlocked.Increment(ref outstanding);
        return array;
    }

    internal void Return(float[] array)
    {
        Interlocked.Decrement(ref outstanding);
        ArrayPool<float>.Shared.Return(array);
    }
}
