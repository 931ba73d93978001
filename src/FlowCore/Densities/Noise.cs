using System.Numerics;

namespace FlowCore.Densities;

/// <summary>
/// Standard normal noise that is a pure function of (seed, row, feature): row i of a seed is the same, bit for bit, whatever
/// the batch, the chunk, the replica or the device. Made on the host from <see cref="Philox"/>.
/// </summary>
public static class Noise
{
    /// <summary>Fills flat rows of <paramref name="width"/> values with the noise of rows firstRow, firstRow + 1, ...</summary>
    public static void FillNormal<T>(ulong seed, long firstRow, int width, Span<T> rows)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int count = rows.Length / width;
        for (int i = 0; i < count; i++)
        {
            ulong row = (ulong)(firstRow + i);
            Span<T> values = rows.Slice(i * width, width);
            for (int j = 0; j < width; j += 2)
            {
                var (w0, w1, w2, w3) = Philox.At((uint)row, (uint)(row >> 32), (uint)(j >> 1), 0, (uint)seed, (uint)(seed >> 32));
                values[j] = T.CreateTruncating(NormalQuantile.At(Uniform(w0, w1)));
                if (j + 1 < width)
                    values[j + 1] = T.CreateTruncating(NormalQuantile.At(Uniform(w2, w3)));
            }
        }
    }

    /// <summary>52 random bits as the midpoint of a cell of (0, 1): never 0, never 1, symmetric about 1/2.</summary>
    private static double Uniform(uint high, uint low) => (((((ulong)high << 32) | low) >> 12) + 0.5) * (1.0 / (1UL << 52));
}
