using System.Buffers;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Training;

namespace FlowCore.Calibration;

/// <summary>
/// How near a row lies to ordinary ones: the log density of a normal kernel about each of up to two thousand of them (Rosenblatt 1956,
/// Parzen 1962), in <see cref="ScoreCoordinates"/>, in nats. It ranks anomalies as the distance to the nearest rows does, which a smooth
/// density of the whole table often does less well; it says nothing of the density in the data's own units.
/// </summary>
public sealed class KernelDensity
{
    /// <summary>The most rows that are kept.</summary>
    public const int MostRows = 2000;

    // In units of the coordinates' spread. Between 0.3 and 0.5 no table's ranking changes by a point.
    private const float Bandwidth = 0.5f;
    private const int MostValues = 1 << 22;
    private static readonly int Block = 4 * Vector512<float>.Count;

    private readonly float[] turned; // [columns, rows], the rows filled up to whole blocks, in units of the bandwidth
    private readonly int padded;
    private readonly double constant;

    /// <param name="coordinates">Where rows are compared.</param>
    /// <param name="rows">Ordinary rows in these coordinates, flat.</param>
    public KernelDensity(ScoreCoordinates coordinates, float[] rows)
    {
        (Coordinates, Rows) = (coordinates, rows);
        int width = coordinates.Width;
        padded = (Count + Block - 1) / Block * Block;
        turned = new float[width * padded];
        for (int column = 0; column < width; column++)
            for (int row = 0; row < padded; row++)
                turned[column * padded + row] = row < Count ? rows[row * width + column] / Bandwidth : float.PositiveInfinity;
        constant = -Math.Log(Count) - width * (0.5 * Math.Log(2 * Math.PI) + Math.Log(Bandwidth));
    }

    public ScoreCoordinates Coordinates { get; }

    /// <summary>The ordinary rows in these coordinates, flat.</summary>
    public float[] Rows { get; }

    /// <summary>How many they are.</summary>
    public int Count => Rows.Length / Coordinates.Width;

    /// <summary>Takes coordinates from ordinary rows, and some of the rows, evenly from all of them.</summary>
    public static KernelDensity Of(Table rows)
    {
        var coordinates = ScoreCoordinates.Of(rows);
        int width = rows.Width, count = Math.Min(rows.Rows, Math.Clamp(MostValues / width, 64, MostRows));
        var kept = new float[count * width];
        for (int i = 0; i < kept.Length; i++)
        {
            int row = (int)((long)(i / width) * rows.Rows / count);
            kept[i] = coordinates.Map(i % width, (float)rows.Values[row * width + i % width]);
        }
        return new(coordinates, kept);
    }

    /// <summary>The log density of a row in the data's own units, in nats; NaN where a value is NaN.</summary>
    public double LogDensity<T>(ReadOnlySpan<T> row)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Debug.Assert(row.Length == Coordinates.Width, "A whole row.");
        float[] room = ArrayPool<float>.Shared.Rent(row.Length);
        for (int column = 0; column < row.Length; column++)
            room[column] = Coordinates.Map(column, float.CreateTruncating(row[column])) / Bandwidth;
        double density = LogDensity(room.AsSpan(0, row.Length));
        ArrayPool<float>.Shared.Return(room);
        return density;
    }

    // Of coordinates in units of the bandwidth. All squared distances first, four vectors of rows at a time, so that no sum waits for
    // another; then, the least one taken out, a single exponential for each.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private double LogDensity(ReadOnlySpan<float> at)
    {
        float[] room = ArrayPool<float>.Shared.Rent(padded);
        ref float first = ref MemoryMarshal.GetArrayDataReference(turned), squares = ref MemoryMarshal.GetArrayDataReference(room);
        int next = Vector512<float>.Count;
        nuint second = (nuint)next, third = (nuint)(2 * next), fourth = (nuint)(3 * next);
        Vector512<float> least = Vector512.Create(float.MaxValue), sum = Vector512<float>.Zero, half = Vector512.Create(-0.5f);
        for (int block = 0; block < padded; block += Block)
        {
            Vector512<float> a = Vector512<float>.Zero, b = a, c = a, d = a;
            for (int column = 0; column < at.Length; column++)
            {
                Vector512<float> value = Vector512.Create(at[column]);
                ref float rows = ref Unsafe.Add(ref first, column * padded + block);
                Vector512<float> p = value - Vector512.LoadUnsafe(ref rows), q = value - Vector512.LoadUnsafe(ref rows, second);
                Vector512<float> r = value - Vector512.LoadUnsafe(ref rows, third), s = value - Vector512.LoadUnsafe(ref rows, fourth);
                (a, b) = (VectorMath.MultiplyAdd(p, p, a), VectorMath.MultiplyAdd(q, q, b));
                (c, d) = (VectorMath.MultiplyAdd(r, r, c), VectorMath.MultiplyAdd(s, s, d));
            }
            least = Vector512.Min(least, Vector512.Min(Vector512.Min(a, b), Vector512.Min(c, d)));
            ref float to = ref Unsafe.Add(ref squares, block);
            a.StoreUnsafe(ref to);
            b.StoreUnsafe(ref to, second);
            c.StoreUnsafe(ref to, third);
            d.StoreUnsafe(ref to, fourth);
        }
        float nearest = float.PositiveInfinity;
        for (int lane = 0; lane < next; lane++)
            nearest = Math.Min(nearest, least[lane]);
        Vector512<float> start = Vector512.Create(nearest);
        for (int block = 0; block < padded; block += next)
            sum += VectorMath.Exp(half * (Vector512.LoadUnsafe(ref squares, (nuint)block) - start));
        ArrayPool<float>.Shared.Return(room);
        return constant - 0.5 * nearest + Math.Log(Vector512.Sum(sum));
    }
}
