using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>What a density reads and writes: latents and their log density; or noise, a temperature, and the latents made of them.</summary>
/// <param name="Rows">The latents, or the noise, in order.</param>
/// <param name="Drawn">Where latents are drawn to; null where those of Rows are scored.</param>
/// <param name="Temperature">One value a row; null where latents are scored.</param>
/// <param name="LogDensity">One value a row, which the log density is added to, in nats.</param>
internal sealed record DensityRegions(Region Rows, Region? Drawn, Region? Temperature, Region LogDensity)
{
    public IEnumerable<Region> All => [Rows, LogDensity, .. new[] { Drawn, Temperature }.OfType<Region>()];
}

/// <summary>Independent normals over some values of the latents; means and log standard deviations stand side by side in a region, or are 0.</summary>
internal sealed class NormalOperation(DensityRegions regions, int first, int width, Region? parameters) : Operation
{
    public override IEnumerable<Region> Regions => parameters is null ? regions.All : [.. regions.All, parameters];

    public override Step<T> Lower<T>(Lowering<T> to) => new NormalStep<T>(regions, first, width, parameters);

    // Lanes of squares; behind them, lanes of log standard deviations.
    public override void Emit(KernelText text)
    {
        text.Use("""
            template<class TILE>
            WORD void normal(TILE tile, int values, int drawn, int temperature, int parameters, int width, int sum, double constant)
            {
                PHASE EACH(TILE::LANES)
                {
                    N squares = 0, log_scales = 0;
                    for (int k = VALUE; k < width; k += TILE::LANES)
                    {
                        N unit = tile.at(values + k, ROW), log_scale = parameters < 0 ? 0 : tile.at(parameters + width + k, ROW);
                        if (drawn >= 0)
                        {
                            N value = unit * tile.at(temperature, ROW);
                            tile.at(drawn + k, ROW) = parameters < 0 ? value : multiply_add(value, exponential(log_scale), tile.at(parameters + k, ROW));
                        }
                        else if (parameters >= 0)
                            unit = (unit - tile.at(parameters + k, ROW)) * exponential(-log_scale);
                        squares = multiply_add(unit, unit, squares);
                        log_scales += log_scale;
                    }
                    tile.lane(VALUE, ROW) = squares;
                    tile.lane(TILE::LANES + VALUE, ROW) = log_scales;
                }
                PHASE EACH_ROW
                {
                    double density = -0.5 * lanes_together(tile, 0, row) - constant;
                    if (drawn >= 0)
                        density = density - width * logarithm((double)tile.at(temperature, row));
                    tile.sum(sum, row) += density - (parameters < 0 ? 0 : lanes_together(tile, TILE::LANES, row));
                }
            }
            """);
        text.Line($"normal(tile, {regions.Rows.Offset + first}, {regions.Drawn?.Offset + first ?? -1}, {regions.Temperature?.Offset ?? -1}, {parameters?.Offset ?? -1}, {width}, {regions.LogDensity.Offset}, {KernelText.Double(NormalStep<double>.Constant(width))});");
    }
}

internal sealed unsafe class NormalStep<T>(DensityRegions regions, int first, int width, Region? parameters) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly double constant = Constant(width);

    /// <summary>What a normal's log density is less than that of its squares.</summary>
    public static double Constant(int width) => 0.5 * Math.Log(2 * Math.PI) * width;

    // Which lanes of the last vector hold values: what lies behind them belongs to another row.
    private readonly Vector512<T> mask = VectorMath.FirstLanes<T>((width - 1) % Vector512<T>.Count + 1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        Debug.Assert(first >= 0 && width > 0 && first + width <= regions.Rows.Width && (regions.Drawn is null || first + width <= regions.Drawn.Width), "The values lie within a latent.");
        Debug.Assert(parameters is null || parameters.Width >= 2 * width, "Means and log standard deviations stand side by side.");
        double* density = tile.Sums(regions.LogDensity);
        for (int row = 0; row < tile.Rows; row++)
        {
            T* values = tile.At(regions.Rows) + row * regions.Rows.Width + first;
            T* mean = parameters is null ? null : tile.At(parameters) + row * parameters.Width;
            density[row] += regions.Drawn is { } drawn
                ? Draw(values, mean, tile.At(regions.Temperature!)[row], tile.At(drawn) + row * drawn.Width + first)
                : Score(values, mean);
        }
    }

    private double Score(T* z, T* mean)
    {
        Vector512<T> squares = Vector512<T>.Zero, logScales = squares;
        for (int i = 0; i < width; i += Vector512<T>.Count)
        {
            Vector512<T> value = Vector512.Load(z + i);
            if (mean is not null)
            {
                Vector512<T> logScale = Vector512.Load(mean + width + i);
                value = (value - Vector512.Load(mean + i)) * VectorMath.Exp(-logScale);
                logScales += Inside(logScale, i);
            }
            value = Inside(value, i);
            squares = VectorMath.MultiplyAdd(value, value, squares);
        }
        return -0.5 * VectorMath.Sum(squares) - constant - (mean is null ? 0 : VectorMath.Sum(logScales));
    }

    // ln p = -u^2 / 2 - ln s with u = (z - mean) / s.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        Region latents = regions.Rows.Adjoint;
        Vector512<T> adjoint = Vector512.Create(tile.Adjoint);
        for (int row = 0; row < tile.Rows; row++)
        {
            T* z = tile.At(regions.Rows) + row * regions.Rows.Width + first, ofZ = tile.At(latents) + row * latents.Width + first;
            T* mean = parameters is null ? null : tile.At(parameters) + row * parameters.Width;
            T* ofMean = parameters is null ? null : tile.At(parameters.Adjoint) + row * parameters.Adjoint.Width;
            for (int i = 0; i < width; i += Vector512<T>.Count)
            {
                Vector512<T> value = Vector512.Load(z + i), scale = Vector512<T>.One;
                if (mean is not null)
                {
                    scale = VectorMath.Exp(-Vector512.Load(mean + width + i));
                    value = (value - Vector512.Load(mean + i)) * scale;
                }
                Vector512<T> inner = Inside(adjoint * value * scale, i);
                Subtract(inner, ofZ + i, width - i);
                if (ofMean is null)
                    continue;
                Subtract(-inner, ofMean + i, width - i);
                Subtract(Inside(adjoint * (Vector512<T>.One - value * value), i), ofMean + width + i, width - i);
            }
        }
    }

    private static void Subtract(Vector512<T> values, T* from, int count)
    {
        if (count >= Vector512<T>.Count)
            (Vector512.Load(from) - values).Store(from);
        else
            for (int lane = 0; lane < count; lane++)
                from[lane] -= values[lane];
    }

    private double Draw(T* noise, T* mean, T temperature, T* z)
    {
        Vector512<T> squares = Vector512<T>.Zero, logScales = squares;
        T* beside = stackalloc T[Vector512<T>.Count];
        for (int i = 0; i < width; i += Vector512<T>.Count)
        {
            Vector512<T> unit = Inside(Vector512.Load(noise + i), i), value = unit * Vector512.Create(temperature);
            squares = VectorMath.MultiplyAdd(unit, unit, squares);
            if (mean is not null)
            {
                Vector512<T> logScale = Vector512.Load(mean + width + i);
                value = VectorMath.MultiplyAdd(value, VectorMath.Exp(logScale), Vector512.Load(mean + i));
                logScales += Inside(logScale, i);
            }
            value.Store(beside);
            for (int lane = 0; lane < Vector512<T>.Count && i + lane < width; lane++)
                z[i + lane] = beside[lane];
        }
        return -0.5 * VectorMath.Sum(squares) - constant - width * Scalar.Log(double.CreateTruncating(temperature)) - (mean is null ? 0 : VectorMath.Sum(logScales));
    }

    private Vector512<T> Inside(Vector512<T> value, int i) => i + Vector512<T>.Count >= width ? value & mask : value;
}

/// <summary>Independent uniforms between bounds.</summary>
internal sealed class BoxOperation(DensityRegions regions, int first, double[] lower, double[] upper) : Operation
{
    public override IEnumerable<Region> Regions => regions.All;

    public override Step<T> Lower<T>(Lowering<T> to) => new BoxStep<T>(regions, first, lower, upper);

    public override void Emit(KernelText text)
    {
        text.Use("""
            template<class TILE>
            WORD void box(TILE tile, int values, int drawn, int width, const double *lower, const double *upper, int sum, double density)
            {
                PHASE EACH_ROW
                {
                    bool inside = true;
                    for (int k = 0; k < width; k++)
                    {
                        N value = tile.at(values + k, row);
                        if (drawn >= 0)
                            tile.at(drawn + k, row) = (N)(lower[k] + normal_distribution((double)value) * (upper[k] - lower[k]));
                        else
                            inside = inside && value >= (N)lower[k] && value <= (N)upper[k];
                    }
                    tile.sum(sum, row) += inside ? density : -number_of(0x7ff0000000000000LL);
                }
            }
            """);
        text.Line($"box(tile, {regions.Rows.Offset + first}, {regions.Drawn?.Offset + first ?? -1}, {lower.Length}, a.exact + {text.PlaceExactly(lower)}, a.exact + {text.PlaceExactly(upper)}, {regions.LogDensity.Offset}, {KernelText.Double(BoxStep<double>.Density(lower, upper))});");
    }
}

internal sealed unsafe class BoxStep<T>(DensityRegions regions, int first, double[] lower, double[] upper) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly double logDensity = Density(lower, upper);

    /// <summary>The log density inside the bounds.</summary>
    public static double Density(double[] lower, double[] upper) => -lower.Zip(upper, (low, high) => Math.Log(high - low)).Sum();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        Debug.Assert(first >= 0 && first + lower.Length <= regions.Rows.Width && upper.Length == lower.Length, "The values lie within a latent.");
        for (int row = 0; row < tile.Rows; row++)
        {
            T* values = tile.At(regions.Rows) + row * regions.Rows.Width + first;
            bool inside = true;
            for (int i = 0; i < lower.Length; i++)
                if (regions.Drawn is { } drawn)
                    tile.At(drawn)[row * drawn.Width + first + i] =
                        T.CreateTruncating(lower[i] + Scalar.NormalDistribution(double.CreateTruncating(values[i])) * (upper[i] - lower[i]));
                else
                    inside &= values[i] >= T.CreateTruncating(lower[i]) && values[i] <= T.CreateTruncating(upper[i]);
            tile.Sums(regions.LogDensity)[row] += inside ? logDensity : double.NegativeInfinity;
        }
    }
}

/// <summary>A point mass at values of the context, times a factor.</summary>
/// <param name="regions">The latents and their log density.</param>
/// <param name="first">The first of the latents.</param>
/// <param name="given">Where the context's values stand.</param>
/// <param name="pairs">Of each latent, counted from the first, the offset of its value there.</param>
/// <param name="factor">What the values are multiplied with.</param>
/// <param name="tolerance">How far a latent may lie from its value, relative to 1 + its size.</param>
internal sealed class GivenOperation(DensityRegions regions, int first, Region given, (int Latent, int From)[] pairs, double factor, double tolerance) : Operation
{
    public override IEnumerable<Region> Regions => [.. regions.All, given];

    public override Step<T> Lower<T>(Lowering<T> to) => new GivenStep<T>(regions, first, given, pairs, factor, tolerance);

    public override void Emit(KernelText text)
    {
        text.Use("""
            template<class TILE>
            WORD void given(TILE tile, int count, Places latents, Places drawn, bool draws, Places from, N factor, N tolerance, int sum)
            {
                PHASE EACH_ROW
                {
                    bool near = true;
                    for (int k = 0; k < count; k++)
                    {
                        N value = tile.at(from(k), row) * factor;
                        if (draws)
                            tile.at(drawn(k), row) = value;
                        else
                            near = near && size_of(tile.at(latents(k), row) - value) <= (size_of(value) + 1) * tolerance;
                    }
                    if (!near)
                        tile.sum(sum, row) += -number_of(0x7ff0000000000000LL);
                }
            }
            """);
        int[] latents = [.. pairs.Select(pair => first + pair.Latent)];
        text.Line($"given(tile, {pairs.Length}, {text.Places(regions.Rows, latents)}, {text.Places(regions.Drawn ?? regions.Rows, latents)}, {(regions.Drawn is null ? "false" : "true")},");
        text.Line($"    {text.Places(given, [.. pairs.Select(pair => pair.From)])}, {text.Literal(factor)}, {text.Literal(tolerance)}, {regions.LogDensity.Offset});");
    }
}

internal sealed unsafe class GivenStep<T>(DensityRegions regions, int first, Region given, (int Latent, int From)[] pairs, double factor, double tolerance) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        Debug.Assert(Array.TrueForAll(pairs, pair => pair.From >= 0 && pair.From < given.Width && first + pair.Latent < (regions.Drawn ?? regions.Rows).Width), "The values lie within a context, and a latent.");
        T times = T.CreateTruncating(factor), share = T.CreateTruncating(tolerance);
        for (int row = 0; row < tile.Rows; row++)
        {
            T* from = tile.At(given) + row * given.Width, latents = tile.At(regions.Rows) + row * regions.Rows.Width + first;
            T* drawn = regions.Drawn is { } region ? tile.At(region) + row * region.Width + first : null;
            bool near = true;
            foreach (var (latent, offset) in pairs)
            {
                T value = from[offset] * times;
                if (drawn is not null)
                    drawn[latent] = value;
                else
                    near &= T.Abs(latents[latent] - value) <= (T.Abs(value) + T.One) * share;
            }
            if (!near)
                tile.Sums(regions.LogDensity)[row] += double.NegativeInfinity;
        }
    }
}
