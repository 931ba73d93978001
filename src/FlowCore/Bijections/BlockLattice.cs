namespace FlowCore.Bijections;

/// <summary>
/// Blocks of integers whose sum is known: the points of the lattice A_(n-1), moved. Dequantisation that keeps the means of blocks
/// spreads each over its Voronoi cell, which tiles the space of vectors with that sum; a sample belongs to the nearest point (Conway,
/// Sloane 1982, "Fast quantizing and decoding algorithms for lattice quantizers").
/// </summary>
internal static class BlockLattice
{
    /// <summary>The volume of a cell in nats, for blocks of n values with steps of 1: ln sqrt(n).</summary>
    public static double LogVolume(int values) => 0.5 * Math.Log(values);

    /// <summary>Moves values to the nearest integers that add up to a sum, each within bounds.</summary>
    /// <param name="values">The block.</param>
    /// <param name="sum">What the integers add up to: within the block's length times the bounds.</param>
    /// <param name="least">The least integer that a value may become.</param>
    /// <param name="most">The largest one.</param>
    public static void Round(Span<double> values, long sum, long least = long.MinValue / 2, long most = long.MaxValue / 2)
    {
        Span<double> exact = stackalloc double[values.Length];
        values.CopyTo(exact);
        // To the sum first: it is the same way for all integers that have it.
        double off = -sum;
        foreach (double value in values)
            off += value;
        foreach (ref double value in exact)
            value -= off / values.Length;
        long missing = sum;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Math.Clamp(Math.Round(exact[i]), least, most);
            missing -= (long)values[i];
        }
        // One step at a time, where it takes a value the least way from what it was.
        for (int step = Math.Sign(missing); missing != 0; missing -= step)
        {
            int best = -1;
            for (int i = 0; i < values.Length; i++)
                if (values[i] + step >= least && values[i] + step <= most
                    && (best < 0 || step * (exact[i] - values[i]) > step * (exact[best] - values[best])))
                    best = i;
            if (best < 0)
                throw new ArgumentOutOfRangeException(nameof(sum), sum, "no integers within these bounds add up to it");
            values[best] += step;
        }
    }

    /// <summary>From independent uniforms on (0, 1), all but the last one used, to a uniform point of the cell around 0.</summary>
    public static void ToCell(Span<double> uniforms)
    {
        uniforms[^1] = 0;
        double sum = 0;
        foreach (double value in uniforms)
            sum += value;
        uniforms[^1] = -sum;
        Span<double> nearest = stackalloc double[uniforms.Length];
        uniforms.CopyTo(nearest);
        Round(nearest, 0);
        for (int i = 0; i < uniforms.Length; i++)
            uniforms[i] -= nearest[i];
    }
}
