using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlowCore.Drift;

/// <summary>
/// The bins in which a column of new rows is compared with reference rows: about ten that hold as many of the reference each, those of a value
/// that is a tenth of the reference or more by itself, and one on either side of all reference values.
/// </summary>
public sealed class ColumnBins
{
    private const int Wanted = 10;

    // A value lies in the bin whose number is that of the cuts below it; infinities fill the last vector up.
    private readonly Vector512<float>[] cuts;
    private readonly int[] reference;

    /// <param name="sorted">The reference's values, ascending and finite; at least one.</param>
    public ColumnBins(ReadOnlySpan<float> sorted)
    {
        var ends = new List<float> { MathF.BitDecrement(sorted[0]) };
        var counts = new List<int> { 0 };
        for (int first = 0, next, held = 0; first < sorted.Length; first = next)
        {
            next = EndOf(sorted, first);
            held += next - first;
            bool isMass = IsMass(next - first, sorted.Length), massFollows = next < sorted.Length && IsMass(EndOf(sorted, next) - next, sorted.Length);
            if (!isMass && !massFollows && held * Wanted < sorted.Length && next < sorted.Length)
                continue;
            ends.Add(sorted[next - 1]);
            counts.Add(held);
            held = 0;
        }
        counts.Add(0);
        (reference, Rows) = ([.. counts], sorted.Length);
        while (ends.Count % Vector512<float>.Count != 0)
            ends.Add(float.PositiveInfinity);
        cuts = MemoryMarshal.Cast<float, Vector512<float>>(CollectionsMarshal.AsSpan(ends)).ToArray();
    }

    /// <summary>The number of reference rows.</summary>
    public int Rows { get; }

    /// <summary>The number of bins.</summary>
    public int Count => reference.Length;

    /// <summary>The reference rows in each bin.</summary>
    public ReadOnlySpan<int> Reference => reference;

    /// <summary>The bin of a value: 0 below all reference values, the last one above them.</summary>
    public int Of(float value)
    {
        int bin = 0;
        foreach (Vector512<float> some in cuts)
            bin += BitOperations.PopCount(Vector512.GreaterThan(Vector512.Create(value), some).ExtractMostSignificantBits());
        return bin;
    }

    private static bool IsMass(int count, int rows) => count > 1 && count * Wanted >= rows;

    private static int EndOf(ReadOnlySpan<float> sorted, int first)
    {
        int next = first + 1;
        while (next < sorted.Length && sorted[next] == sorted[first])
            next++;
        return next;
    }
}
