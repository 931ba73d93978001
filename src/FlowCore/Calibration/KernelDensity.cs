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
    private static readonly int Lanes = Vector512<float>.Count;

    private readonly float[] turned; // [columns, rows], the rows filled up to whole vectors, in units of the bandwidth
    private readonly int padded;
    private readonly double constant;

    /// <param name="coordinates">Where rows are compared.</param>
    /// <param name="rows">Ordinary rows in these coordinates, flat.</param>
    public KernelDensity(ScoreCoordinates coordinates, float[] rows)
    {
        (Coordinates, Rows) = (coordinates, rows);
        int width = coordinates.Width;
        padded = (Count + Lanes - 1) / Lanes * Lanes;
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

    // Of coordinates in units of the bandwidth.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private double LogDensity(ReadOnlySpan<float> at)
    {
        ref float first = ref MemoryMarshal.GetArrayDataReference(turned);
        // Distances of neighbouring rows stand in neighbouring lanes; the least one is taken out of the sum as it goes on.
        Vector512<float> least = Vector512.Create(float.MaxValue), sum = Vector512<float>.Zero, half = Vector512.Create(-0.5f);
        for (int block = 0; block < padded; block += Lanes)
        {
            Vector512<float> squares = Vector512<float>.Zero;
            for (int column = 0; column < at.Length; column++)
            {
                Vector512<float> offset = Vector512.Create(at[column]) - Vector512.LoadUnsafe(ref first, (nuint)(column * padded + block));
                squares = VectorMath.MultiplyAdd(offset, offset, squares);
            }
            Vector512<float> less = Vector512.Min(least, squares);
            sum = VectorMath.MultiplyAdd(sum, VectorMath.Exp(half * (least - less)), VectorMath.Exp(half * (squares - less)));
            least = less;
        }
        double nearest = double.PositiveInfinity, total = 0;
        for (int lane = 0; lane < Lanes; lane++)
            nearest = Math.Min(nearest, least[lane]);
        for (int lane = 0; lane < Lanes; lane++)
            total += sum[lane] * Math.Exp(0.5 * (nearest - least[lane]));
        return constant - 0.5 * nearest + Math.Log(total);
    }
}
