using FlowCore.Densities;

namespace FlowCore.Training;

/// <summary>Orders of rows, each a pure function of its seed.</summary>
internal static class RowOrder
{
    /// <summary>Puts positions into another order (Fisher-Yates), each choice from its own Philox counter.</summary>
    /// <param name="order">The positions 0, 1, ... or any order of them.</param>
    /// <param name="seed">The source of all choices.</param>
    /// <param name="epoch">Which order of this seed.</param>
    public static void Shuffle(Span<int> order, ulong seed, uint epoch)
    {
        for (int i = order.Length - 1; i > 0; i--)
        {
            uint word = Philox.At((uint)i, epoch, 0, 2, (uint)seed, (uint)(seed >> 32)).W0;
            int j = (int)(((ulong)word * (ulong)(i + 1)) >> 32);
            (order[i], order[j]) = (order[j], order[i]);
        }
    }

    /// <summary>The first so many numbers, in their order.</summary>
    public static int[] First(int count) => [.. Enumerable.Range(0, count)];
}
