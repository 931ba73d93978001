using System.Numerics;
using FlowCore.Engines.Gpu;

namespace FlowCore.Densities;

/// <summary>
/// Standard normal noise that is a pure function of (seed, row, feature): row i of a seed is the same, bit for bit, whatever
/// the batch, the chunk, the replica or the device. Made from <see cref="Philox"/>, on the host or in a kernel of a GPU.
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

    /// <summary>
    /// The same in the text of a kernel: <c>draw</c> fills a tile's rows with the noise that a list of seeds and rows names.
    /// </summary>
    internal static string Text { get; } = $$"""
        WORD double uniform(unsigned high, unsigned low) { return ((double)((((unsigned long long)high << 32) | low) >> 12) + 0.5) * {{Term.Literal(Cell, isSingle: false)}}; }
        template<class TILE> WORD void draw(TILE tile, const unsigned long long *draws, long long first, int place, int width)
        {
            PHASE EACH((width + 1) / 2)
                if (ROW < tile.rows)
                {
                    unsigned long long seed = draws[2 * (first + ROW)], row = draws[2 * (first + ROW) + 1];
                    unsigned c0 = (unsigned)row, c1 = (unsigned)(row >> 32), c2 = (unsigned)VALUE, c3 = 0, k0 = (unsigned)seed, k1 = (unsigned)(seed >> 32);
                    for (int round = 0; round < {{Philox.Rounds}}; round++)
                    {
                        unsigned long long a = {{Philox.MultiplierA}}ull * c0, b = {{Philox.MultiplierB}}ull * c2;
                        c0 = (unsigned)(b >> 32) ^ c1 ^ k0, c1 = (unsigned)b, c2 = (unsigned)(a >> 32) ^ c3 ^ k1, c3 = (unsigned)a;
                        k0 += {{Philox.WeylA}}u, k1 += {{Philox.WeylB}}u;
                    }
                    tile.at(place + 2 * VALUE, ROW) = (N)normal_quantile(uniform(c0, c1));
                    if (2 * VALUE + 1 < width)
                        tile.at(place + 2 * VALUE + 1, ROW) = (N)normal_quantile(uniform(c2, c3));
                }
        }
        """;

    private const double Cell = 1.0 / (1UL << 52);

    /// <summary>52 random bits as the midpoint of a cell of (0, 1): never 0, never 1, symmetric about 1/2.</summary>
    private static double Uniform(uint high, uint low) => (((((ulong)high << 32) | low) >> 12) + 0.5) * Cell;
}

/// <summary>Where the noise of a sample comes from: a row of a seed's noise.</summary>
public readonly record struct NoiseRow(ulong Seed, long Row)
{
    /// <summary>Rows of a seed that follow each other.</summary>
    public static void Fill(Span<NoiseRow> rows, ulong seed, long first)
    {
        for (int i = 0; i < rows.Length; i++)
            rows[i] = new(seed, first + i);
    }
}
