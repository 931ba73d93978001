using System.Buffers;

namespace FlowRows.Buffers;

/// <summary>Pooled buffers for rows, each with one owner who returns it once.</summary>
internal sealed class RowPool
{
    private long outstanding;

    /// <summary>The number of buffers that are out: 0 while no request is under way.</summary>
    public long Outstanding => Interlocked.Read(ref outstanding);

    /// <summary>A buffer of <paramref name="length"/> values that hold whatever was there before.</summary>
    public RowBuffer<T> Rent<T>(int length)
        where T : unmanaged => new(this, length, length);

    /// <summary>An empty buffer to append to.</summary>
    public RowBuffer<T> RentEmpty<T>(int capacity = 1024)
        where T : unmanaged => new(this, capacity, 0);

    internal T[] Take<T>(int capacity)
    {
        T[] array = ArrayPool<T>.Shared.Rent(capacity);
        Interlocked.Increment(ref outstanding);
        return array;
    }

    internal void Return<T>(T[] array)
    {
        Interlocked.Decrement(ref outstanding);
        ArrayPool<T>.Shared.Return(array);
    }
}
