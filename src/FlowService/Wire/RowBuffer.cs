using System.Runtime.CompilerServices;

namespace FlowService.Wire;

/// <summary>Flat rows in an array of the pool; disposing returns it, once.</summary>
internal sealed class RowBuffer : IDisposable
{
    private readonly RowPool pool;
    private float[]? array;

    internal RowBuffer(RowPool pool, int capacity, int length)
    {
        this.pool = pool;
        array = pool.Take(capacity);
        Length = length;
    }

    /// <summary>The number of values.</summary>
    public int Length { get; private set; }

    public Span<float> Span => Array.AsSpan(0, Length);

    private float[] Array => array ?? throw new ObjectDisposedException(nameof(RowBuffer));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(float value)
    {
        float[] values = Array;
        if (Length == values.Length)
            values = Grow(values);
        values[Length++] = value;
    }

    /// <summary>The rest of the array, behind the values.</summary>
    public Span<float> Free => Array.AsSpan(Length);

    /// <summary>Makes room for so many further values in <see cref="Free"/>.</summary>
    public Span<float> Reserve(int more)
    {
        while (Array.Length - Length < more)
            Grow(Array);
        return Free[..more];
    }

    /// <summary>Counts values that were written to <see cref="Free"/>.</summary>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(Array.Length - Length));
        Length += count;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref array, null) is { } rented)
            pool.Return(rented);
    }

    private float[] Grow(float[] full)
    {
        float[] larger = pool.Take(checked(full.Length * 2));
        full.CopyTo(larger, 0);
        array = larger;
        pool.Return(full);
        return larger;
    }
}
