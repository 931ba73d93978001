using System.Runtime.CompilerServices;

namespace FlowRows.Buffers;

/// <summary>Flat rows in an array of the pool; disposing returns it, once.</summary>
internal sealed class RowBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly RowPool pool;
    private T[]? array;

    internal RowBuffer(RowPool pool, int capacity, int length)
    {
        this.pool = pool;
        array = pool.Take<T>(capacity);
        Length = length;
    }

    /// <summary>The number of values.</summary>
    public int Length { get; private set; }

    public Span<T> Span => Array.AsSpan(0, Length);

    /// <summary>The values, for what outlives a call; until this is disposed of.</summary>
    public Memory<T> Memory => Array.AsMemory(0, Length);

    private T[] Array => array ?? throw new ObjectDisposedException(nameof(RowBuffer<>));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(T value)
    {
        T[] values = Array;
        if (Length == values.Length)
            values = Grow(values, Doubled(values.Length));
        values[Length++] = value;
    }

    /// <summary>The rest of the array, behind the values.</summary>
    public Span<T> Free => Array.AsSpan(Length);

    /// <summary>Room for so many further values, behind those that are there.</summary>
    public Span<T> Reserve(int count)
    {
        T[] values = Array;
        if (count > values.Length - Length)
            values = Grow(values, Math.Max(Doubled(values.Length), checked(Length + count)));
        return values.AsSpan(Length, count);
    }

    /// <summary>Counts values that were written to <see cref="Free"/>.</summary>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(Array.Length - Length));
        Length += count;
    }

    /// <summary>Forgets the values from <paramref name="length"/> on.</summary>
    public void Cut(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Length);
        Length = length;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref array, null) is { } rented)
            pool.Return(rented);
    }

    private static int Doubled(int length) => (int)Math.Min((long)length * 2, System.Array.MaxLength);

    private T[] Grow(T[] full, int capacity)
    {
        T[] larger = pool.Take<T>(capacity);
        full.AsSpan(0, Length).CopyTo(larger);
        array = larger;
        pool.Return(full);
        return larger;
    }
}
