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

    // Rows whose distances are computed at once, and those that a thread takes at once.
    private const int Together = 4, RowsOfThread = 256;

    // exp(-25), two thousand times, is less than half of the last digit of a float of 1 or more.
    private const float Beyond = 50;

    private readonly float[] turned; // [columns, rows], the rows filled up to whole blocks, in units of the bandwidth
    private readonly int padded;
    private readonly double constant;

    /// <param name="coordinates">Where rows are compared.</param>
    /// <param name="rows">Ordinary rows in these coordinates, flat.</param>
    public KernelDensity(ScoreCoordinates coordinates, float[] rows)
    {
        (Coordinates, Rows) = (coordinates, rows);
        int width = coordinates.Width;
        padded = (Count + Vector512<float>.Count - 1) / Vector512<float>.Count * Vector512<float>.Count;
        turned = new float[width * padded];
        int[] order = NearRows.Order(rows, width, Vector512<float>.Count);
        for (int column = 0; column < width; column++)
            for (int row = 0; row < padded; row++)
                turned[column * padded + row] = row < Count ? rows[order[row] * width + column] / Bandwidth : float.PositiveInfinity;
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
        double density = 0;
        LogDensities(row, new Span<double>(ref density));
        return density;
    }

    /// <summary>The log densities of rows in the data's own units, in nats; NaN where a value is NaN. A row's does not depend on those beside it.</summary>
    /// <param name="rows">The rows, flat.</param>
    /// <param name="densities">One of each row.</param>
    /// <param name="threads">The most threads that compute.</param>
    public void LogDensities<T>(ReadOnlySpan<T> rows, Span<double> densities, int threads = 1)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int width = Coordinates.Width, count = densities.Length;
        Debug.Assert(rows.Length == count * width, "Whole rows.");
        float[] values = ArrayPool<float>.Shared.Rent(rows.Length);
        double[] found = ArrayPool<double>.Shared.Rent(count);
        for (int i = 0; i < rows.Length; i++)
            values[i] = float.CreateTruncating(rows[i]);
        if (threads == 1 || count < 2 * RowsOfThread)
            Some(values, found, 0, count);
        else
            Parallel.For(0, (count + RowsOfThread - 1) / RowsOfThread, new ParallelOptions { MaxDegreeOfParallelism = threads },
                part => Some(values, found, part * RowsOfThread, Math.Min(count, (part + 1) * RowsOfThread)));
        found.AsSpan(0, count).CopyTo(densities);
        ArrayPool<float>.Shared.Return(values);
        ArrayPool<double>.Shared.Return(found);
    }

    private void Some(float[] values, double[] found, int first, int end)
    {
        int width = Coordinates.Width;
        float[] at = ArrayPool<float>.Shared.Rent(width * Together), squares = ArrayPool<float>.Shared.Rent(padded * Together);
        int[] near = ArrayPool<int>.Shared.Rent(padded / Vector512<float>.Count);
        Span<float> nearest = stackalloc float[Together];
        for (int row = first; row < end; row += Together)
        {
            for (int i = 0; i < Together; i++)
                Coordinates.MapRow(values.AsSpan(Math.Min(row + i, end - 1) * width, width), at.AsSpan(i * width, width));
            for (int i = 0; i < width * Together; i++)
                at[i] /= Bandwidth;
            Distances(at, squares, nearest);
            for (int i = 0; i < Together && row + i < end; i++)
                found[row + i] = constant - 0.5 * nearest[i] + Math.Log(SumOfKernels(squares.AsSpan(i * padded, padded), nearest[i], near));
        }
        ArrayPool<float>.Shared.Return(at);
        ArrayPool<float>.Shared.Return(squares);
        ArrayPool<int>.Shared.Return(near);
    }

    // All squared distances of four rows, [row, column] in units of the bandwidth: what is read of the kept rows serves all four, and no sum waits
    // for another.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Distances(float[] at, float[] squares, Span<float> nearest)
    {
        ref float kept = ref MemoryMarshal.GetArrayDataReference(turned), values = ref MemoryMarshal.GetArrayDataReference(at);
        ref float to = ref MemoryMarshal.GetArrayDataReference(squares);
        Vector512<float> w = Vector512.Create(float.MaxValue), x = w, y = w, z = w;
        int next = Vector512<float>.Count, width = Coordinates.Width;
        for (int block = 0; block < padded; block += next)
        {
            Vector512<float> a = Vector512<float>.Zero, b = a, c = a, d = a;
            ref float rows = ref Unsafe.Add(ref kept, block), value = ref values;
            for (int column = 0; column < width; column++)
            {
                var row = Vector512.LoadUnsafe(ref rows);
                Vector512<float> p = row - Vector512.Create(value), q = row - Vector512.Create(Unsafe.Add(ref value, width));
                Vector512<float> r = row - Vector512.Create(Unsafe.Add(ref value, 2 * width)), s = row - Vector512.Create(Unsafe.Add(ref value, 3 * width));
                (a, b) = (VectorMath.MultiplyAdd(p, p, a), VectorMath.MultiplyAdd(q, q, b));
                (c, d) = (VectorMath.MultiplyAdd(r, r, c), VectorMath.MultiplyAdd(s, s, d));
                rows = ref Unsafe.Add(ref rows, padded);
                value = ref Unsafe.Add(ref value, 1);
            }
            (w, x, y, z) = (Vector512.Min(w, a), Vector512.Min(x, b), Vector512.Min(y, c), Vector512.Min(z, d));
            a.StoreUnsafe(ref to, (nuint)block);
            b.StoreUnsafe(ref to, (nuint)(padded + block));
            c.StoreUnsafe(ref to, (nuint)(2 * padded + block));
            d.StoreUnsafe(ref to, (nuint)(3 * padded + block));
        }
        (nearest[0], nearest[1], nearest[2], nearest[3]) = (Least(w), Least(x), Least(y), Least(z));
    }

    private static float Least(Vector512<float> values)
    {
        float least = float.PositiveInfinity;
        for (int lane = 0; lane < Vector512<float>.Count; lane++)
            least = Math.Min(least, values[lane]);
        return least;
    }

    // The nearest counts 1; what is so far that a float's last digit would not notice it is passed over. Which blocks those are is found before
    // anything is computed, for nobody foresees it from one to the next.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float SumOfKernels(ReadOnlySpan<float> squares, float nearest, Span<int> near)
    {
        ref float first = ref MemoryMarshal.GetReference(squares);
        Vector512<float> sum = Vector512<float>.Zero, half = Vector512.Create(-0.5f), start = Vector512.Create(nearest), far = Vector512.Create(nearest + Beyond);
        int count = 0;
        for (int block = 0; block < squares.Length; block += Vector512<float>.Count)
        {
            near[count] = block;
            count += Vector512.GreaterThanAll(Vector512.LoadUnsafe(ref first, (nuint)block), far) ? 0 : 1;
        }
        foreach (int block in near[..count])
            sum += VectorMath.Exp(half * (Vector512.LoadUnsafe(ref first, (nuint)block) - start));
        return Vector512.Sum(sum);
    }
}
