using FlowCore.Densities;

namespace FlowCore.Calibration;

/// <summary>Some ordinary rows, flat, and what each is conditioned on, as a request would send it.</summary>
/// <param name="Values">[rows, width], row-major.</param>
/// <param name="Context">[rows, context width]; empty for an unconditional model.</param>
/// <param name="Width">The number of values in a row.</param>
public sealed record ReferenceRows(float[] Values, float[] Context, int Width)
{
    /// <summary>The most rows that are kept.</summary>
    public const int Most = 1000;

    // Wide rows are kept in smaller numbers: 16 MB at the most.
    private const int MostValues = 1 << 22;

    /// <summary>The number of rows.</summary>
    public int Count => Values.Length / Width;

    /// <summary>How many rows of a width are kept.</summary>
    public static int MostOf(int width) => Math.Clamp(MostValues / width, 64, Most);

    /// <summary>
    /// <paramref name="draws"/> values of a column: one of each part of its sorted values, drawn by <see cref="Philox"/>, so that they cover
    /// the column evenly and are the same whenever they are asked for.
    /// </summary>
    /// <param name="column">The column.</param>
    /// <param name="draws">How many values.</param>
    /// <param name="places">The rows that they come from; all where it is left out.</param>
    public float[] DrawColumn(int column, int draws, ReadOnlySpan<int> places = default)
    {
        float[] sorted = new float[places.IsEmpty ? Count : places.Length];
        for (int i = 0; i < sorted.Length; i++)
            sorted[i] = Values[(places.IsEmpty ? i : places[i]) * Width + column];
        Array.Sort(sorted);
        var drawn = new float[draws];
        for (int draw = 0; draw < draws; draw++)
        {
            double place = (draw + Uniform((uint)column, (uint)draw)) / draws * sorted.Length;
            drawn[draw] = sorted[Math.Min((int)place, sorted.Length - 1)];
        }
        return drawn;
    }

    /// <summary>The places of <paramref name="count"/> rows, drawn by <see cref="Philox"/>: the same whenever they are asked for.</summary>
    public int[] DrawRows(int count)
    {
        int[] places = new int[Count];
        for (int i = 0; i < places.Length; i++)
            places[i] = i;
        int taken = Math.Min(count, places.Length);
        for (int i = 0; i < taken; i++)
        {
            int other = i + (int)(Uniform(uint.MaxValue, (uint)i) * (places.Length - i));
            (places[i], places[other]) = (places[other], places[i]);
        }
        return places[..taken];
    }

    private static double Uniform(uint column, uint draw) => (Philox.At(draw, column, 0, 0, 0, 0).W0 + 0.5) / (1L << 32);
}
