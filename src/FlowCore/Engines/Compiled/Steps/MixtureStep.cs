using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FlowCore.Densities;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Training;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>A mixture of normals over the latents.</summary>
internal sealed class MixtureOperation : Operation
{
    private readonly DensityRegions regions;
    private readonly int width;
    private readonly MixtureCovariance covariance;
    private readonly Formula logWeights, constants, means, precision;

    /// <param name="regions">Where the latents are.</param>
    /// <param name="width">How many values they have.</param>
    /// <param name="covariance">Which entries a component's triangle has.</param>
    /// <param name="logWeights">The logarithm of each component's weight.</param>
    /// <param name="logPeaks">The logarithm of each component's weighted density at its mean, but for the factor of 2 pi.</param>
    /// <param name="means">Component by component.</param>
    /// <param name="precision">The diagonals of all components' triangles; behind them, where they are full, the whole matrices.</param>
    public MixtureOperation(
        DensityRegions regions, int width, MixtureCovariance covariance, Formula logWeights, Formula logPeaks, Formula means, Formula precision)
    {
        (this.regions, this.width, this.covariance, this.logWeights) = (regions, width, covariance, logWeights);
        int components = logWeights.Count, lanes = Vector512<double>.Count, padded = (components + lanes - 1) / lanes * lanes;
        // Neighbouring lanes hold one entry of neighbouring components; lanes without a component have the weight 0.
        Formula Turned(Formula of, IEnumerable<Func<int, int>> entries) =>
            of.Pick([.. from entry in entries from m in Enumerable.Range(0, padded) select m < components ? entry(m) : -1]);
        IEnumerable<int> each = Enumerable.Range(0, width);
        constants = Formula.Joined(logPeaks + -0.5 * Math.Log(2 * Math.PI) * width, Formula.Repeated(double.NegativeInfinity, padded - components));
        this.means = Turned(means, each.Select<int, Func<int, int>>(i => m => m * width + i));
        this.precision = Turned(precision, covariance == MixtureCovariance.Diagonal
            ? each.Select<int, Func<int, int>>(i => m => m * width + i)
            : from i in each
              from j in Enumerable.Range(0, i + 1)
              select (Func<int, int>)(m => i == j ? m * width + i : components * width + (m * width + i) * width + j));
    }

    public override IEnumerable<Region> Regions => regions.All;

    public override IEnumerable<Formula> ReadExactly => [constants, means, precision];

    public override Step<T> Lower<T>(Lowering<T> to) => new MixtureStep<T>(
        regions, width, covariance == MixtureCovariance.Full, logWeights.Values, constants.Values, means.Values, precision.Values,
        to.Numbers(constants), to.Numbers(means), to.Numbers(precision));

    // Eight lanes of components, as on a CPU: the largest term of each, and the sum over it.
    public override void Emit(KernelText text)
    {
        text.Use("""
            template<int WIDTH, bool FULL, class TILE>
            WORD void mixture(
                TILE tile, int values, int drawn, int temperature, int padded, int components,
                const double *constants, const double *means, const double *precision, const double *up_to, int sum)
            {
                if (drawn >= 0)
                    PHASE EACH_ROW
                    {
                        double share = normal_distribution((double)tile.at(values + WIDTH, row)), offset[WIDTH];
                        int m = 0, last = components - 1;
                        while (m < last)
                        {
                            int middle = (m + last) / 2;
                            if (up_to[middle] <= share)
                                m = middle + 1;
                            else
                                last = middle;
                        }
                        // P (z - mean) = temperature noise, from the first value to the last.
                        for (int i = 0; i < WIDTH; i++)
                        {
                            double rest = (double)tile.at(values + i, row) * (double)tile.at(temperature, row);
                            int line = FULL ? i * (i + 1) / 2 : i;
                            for (int j = 0; FULL && j < i; j++)
                                rest -= precision[(line + j) * padded + m] * offset[j];
                            offset[i] = rest / precision[(FULL ? line + i : i) * padded + m];
                            tile.at(drawn + i, row) = (N)(means[i * padded + m] + offset[i]);
                        }
                    }
                if (drawn >= 0)
                    values = drawn;
                PHASE EACH(8)
                {
                    double most = -1e300, total = 0, warmth = drawn < 0 ? 1 : (double)tile.at(temperature, ROW);
                    for (int m = VALUE; m < padded; m += 8)
                    {
                        double squares = 0;
                        const double *entry = precision + m;
                        for (int k = 0; k < WIDTH; k++)
                        {
                            double unit = 0;
                            for (int j = FULL ? 0 : k; j <= k; j++, entry += padded)
                                unit = multiply_add(*entry, (double)tile.at(values + j, ROW) - means[j * padded + m], unit);
                            squares = multiply_add(unit, unit, squares);
                        }
                        double each = warmth == 1
                            ? constants[m] - squares * 0.5
                            : constants[m] - squares * (0.5 / (warmth * warmth)) - WIDTH * logarithm(warmth);
                        double more = most > each ? most : each;
                        total = multiply_add(total, exponential(most - more), exponential(each - more));
                        most = more;
                    }
                    tile.wide(VALUE, ROW) = most;
                    tile.wide(8 + VALUE, ROW) = total;
                }
                PHASE EACH_ROW
                {
                    double largest = -1e300, total = 0;
                    for (int k = 0; k < 8; k++)
                    {
                        double most = tile.wide(k, row);
                        largest = most > largest || most != most ? most : largest;
                    }
                    for (int k = 0; k < 8; k++)
                        total += tile.wide(8 + k, row) * exponential(tile.wide(k, row) - largest);
                    tile.sum(sum, row) += largest + logarithm(total);
                }
            }
            """);
        string At(double[] values) => $"a.exact + {text.PlaceExactly(values)}";
        string full = covariance == MixtureCovariance.Full ? "true" : "false";
        text.Line($"mixture<{width}, {full}>(tile, {regions.Rows.Offset}, {regions.Drawn?.Offset ?? -1}, {regions.Temperature?.Offset ?? -1}, {constants.Count}, {logWeights.Count},");
        text.Line($"    {At(constants.Values)}, {At(means.Values)}, {At(precision.Values)}, {At(MixtureStep<double>.UpTo(logWeights.Values))}, {regions.LogDensity.Offset});");
    }
}

/// <summary>
/// Eight components at a time, in float64 whatever T is: a latent's density is the sum of many that differ by orders of magnitude.
/// </summary>
internal sealed unsafe class MixtureStep<T>(
    DensityRegions regions, int width, bool isFull, double[] logWeights, double[] constants, double[] means, double[] precision,
    Numbers<T> ofConstants, Numbers<T> ofMeans, Numbers<T> ofPrecision) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Instead of an infinity, whose difference from itself is not a number.
    private const double Least = -1e300;

    private readonly int padded = constants.Length;
    private readonly double[] upTo = UpTo(logWeights);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        Debug.Assert(regions.Rows.Width == (regions.Drawn is null ? width : width + 1), "One noise value more picks the component.");
        Debug.Assert(means.Length == width * padded && precision.Length == (isFull ? width * (width + 1) / 2 : width) * padded, "Whole vectors of components.");
        for (int row = 0; row < tile.Rows; row++)
        {
            T* values = tile.At(regions.Rows) + row * regions.Rows.Width;
            double temperature = 1;
            if (regions.Drawn is { } drawn)
            {
                temperature = double.CreateTruncating(tile.At(regions.Temperature!)[row]);
                T* z = tile.At(drawn) + row * drawn.Width;
                Draw(Pick(double.CreateTruncating(values[width])), values, temperature, z);
                values = z;
            }
            tile.Sums(regions.LogDensity)[row] += LogDensity(values, temperature);
        }
    }

    private int Pick(double noise)
    {
        double share = Scalar.NormalDistribution(noise);
        int first = 0, last = upTo.Length - 1;
        while (first < last)
        {
            int middle = (first + last) / 2;
            (first, last) = upTo[middle] <= share ? (middle + 1, last) : (first, middle);
        }
        return first;
    }

    // P (z - mean) = temperature noise, from the first value to the last.
    private void Draw(int m, T* noise, double temperature, T* z)
    {
        Span<double> offset = width <= 256 ? stackalloc double[width] : new double[width];
        for (int i = 0; i < width; i++)
        {
            double rest = double.CreateTruncating(noise[i]) * temperature;
            int line = isFull ? i * (i + 1) / 2 : i;
            for (int j = 0; isFull && j < i; j++)
                rest -= precision[(line + j) * padded + m] * offset[j];
            offset[i] = rest / precision[(isFull ? line + i : i) * padded + m];
            z[i] = T.CreateTruncating(means[i * padded + m] + offset[i]);
        }
    }

    // Each component in proportion to its share of the row's density.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        Region latents = regions.Rows.Adjoint;
        double adjoint = double.CreateTruncating(tile.Adjoint);
        Span<double> offset = width <= 256 ? stackalloc double[width] : new double[width];
        for (int row = 0; row < tile.Rows; row++)
        {
            T* z = tile.At(regions.Rows) + row * regions.Rows.Width, ofZ = tile.At(latents) + row * latents.Width;
            double whole = LogDensity(z, 1);
            for (int block = 0; block < padded; block += Vector512<double>.Count)
            {
                Vector512<double> each = LogDensities(block, z, 1);
                for (int lane = 0; lane < Vector512<double>.Count && block + lane < logWeights.Length; lane++)
                {
                    double share = adjoint * Math.Exp(each[lane] - whole);
                    if (share != 0)
                        Back(tile, block + lane, share, z, ofZ, offset);
                }
            }
        }
    }

    private void Back(in Tile<T> tile, int m, double share, T* z, T* ofZ, Span<double> offset)
    {
        if (ofConstants.Learns)
            ofConstants.Gradient(tile)[m] += T.CreateTruncating(share);
        for (int i = 0; i < width; i++)
            offset[i] = double.CreateTruncating(z[i]) - means[i * padded + m];
        for (int i = 0, line = 0; i < width; line += isFull ? i + 1 : 1, i++)
        {
            int first = isFull ? 0 : i;
            double unit = 0;
            for (int j = first; j <= i; j++)
                unit += precision[(line + j - first) * padded + m] * offset[j];
            double ofUnit = -share * unit;
            for (int j = first; j <= i; j++)
            {
                int at = (line + j - first) * padded + m;
                double inner = ofUnit * precision[at];
                ofZ[j] += T.CreateTruncating(inner);
                if (ofMeans.Learns)
                    ofMeans.Gradient(tile)[j * padded + m] -= T.CreateTruncating(inner);
                if (ofPrecision.Learns)
                    ofPrecision.Gradient(tile)[at] += T.CreateTruncating(ofUnit * offset[j]);
            }
        }
    }

    /// <summary>ln sum_m exp(each_m), lane by lane, with the largest term taken out as the sum goes on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private double LogDensity(T* z, double temperature)
    {
        Vector512<double> most = Vector512.Create(Least), sum = Vector512<double>.Zero;
        for (int block = 0; block < padded; block += Vector512<double>.Count)
        {
            Vector512<double> each = LogDensities(block, z, temperature), more = VectorMath.Larger(most, each);
            sum = VectorMath.MultiplyAdd(sum, VectorMath.Exp(most - more), VectorMath.Exp(each - more));
            most = more;
        }
        double largest = Least, total = 0;
        for (int lane = 0; lane < Vector512<double>.Count; lane++)
            largest = Math.Max(largest, most[lane]);
        for (int lane = 0; lane < Vector512<double>.Count; lane++)
            total += sum[lane] * Scalar.Exp(most[lane] - largest);
        return largest + Scalar.Log(total);
    }

    /// <summary>The weighted log densities of eight components.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<double> LogDensities(int block, T* z, double temperature)
    {
        Vector512<double> squares = Vector512<double>.Zero;
        nuint at = (nuint)block, step = (nuint)padded;
        ref double mean = ref MemoryMarshal.GetArrayDataReference(means);
        ref double entry = ref MemoryMarshal.GetArrayDataReference(precision);
        for (int i = 0; i < width; i++)
        {
            Vector512<double> unit = Vector512<double>.Zero;
            for (int j = isFull ? 0 : i; j <= i; j++, at += step)
            {
                Vector512<double> offset = Vector512.Create(double.CreateTruncating(z[j])) - Vector512.LoadUnsafe(ref mean, (nuint)(j * padded + block));
                unit = VectorMath.MultiplyAdd(Vector512.LoadUnsafe(ref entry, at), offset, unit);
            }
            squares = VectorMath.MultiplyAdd(unit, unit, squares);
        }
        Vector512<double> peaks = Vector512.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(constants), (nuint)block);
        return temperature == 1
            ? peaks - squares * Vector512.Create(0.5)
            : peaks - squares * Vector512.Create(0.5 / (temperature * temperature)) - Vector512.Create(width * Scalar.Log(temperature));
    }

    /// <summary>The weights of the components before each one, and its own.</summary>
    public static double[] UpTo(double[] logWeights)
    {
        var upTo = new double[logWeights.Length];
        double sum = 0;
        for (int m = 0; m < upTo.Length; m++)
            upTo[m] = sum += Math.Exp(logWeights[m]);
        return upTo;
    }
}
