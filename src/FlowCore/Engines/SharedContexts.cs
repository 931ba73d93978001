using System.Runtime.InteropServices;

namespace FlowCore.Engines;

/// <summary>
/// Which neighbouring rows of a batch share their context, bit for bit: an engine encodes it once for all of them, so that many samples
/// of one picture cost one pass of its encoder.
/// </summary>
internal sealed class SharedContexts
{
    private int[] first = [], of = [];

    /// <summary>The contexts that differ from the one in front of them.</summary>
    public int Count { get; private set; }

    /// <summary>The first row of each of these contexts.</summary>
    public ReadOnlySpan<int> FirstRows => first.AsSpan(0, Count);

    /// <summary>The context of each row, as an index of <see cref="FirstRows"/>.</summary>
    public ReadOnlySpan<int> OfRows => of;

    /// <summary>Looks at rows from the beginning until they have more contexts than fit; returns how many rows those are.</summary>
    public int Find<T>(ReadOnlySpan<T> contexts, int width, int most)
        where T : unmanaged
    {
        int rows = contexts.Length / width;
        if (of.Length < rows)
            (first, of) = (new int[rows], new int[rows]);
        Count = 0;
        for (int row = 0; row < rows; row++)
        {
            if (row == 0 || !AreEqual(contexts.Slice(row * width, width), contexts.Slice((row - 1) * width, width)))
            {
                if (Count == most)
                    return row;
                first[Count++] = row;
            }
            of[row] = Count - 1;
        }
        return rows;
    }

    /// <summary>Whether two contexts have the same bits.</summary>
    public static bool AreEqual<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b)
        where T : unmanaged => MemoryMarshal.AsBytes(a).SequenceEqual(MemoryMarshal.AsBytes(b));
}
