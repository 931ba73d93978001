using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;

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
}

internal sealed unsafe class NormalStep<T>(DensityRegions regions, int first, int width, Region? parameters) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly double constant = 0.5 * Math.Log(2 * Math.PI) * width;

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
        return -0.5 * VectorMath.Sum(squares) - constant - width * Math.Log(double.CreateTruncating(temperature)) - (mean is null ? 0 : VectorMath.Sum(logScales));
    }

    private Vector512<T> Inside(Vector512<T> value, int i) => i + Vector512<T>.Count >= width ? value & mask : value;
}

/// <summary>Independent uniforms between bounds.</summary>
internal sealed class BoxOperation(DensityRegions regions, int first, double[] lower, double[] upper) : Operation
{
    public override IEnumerable<Region> Regions => regions.All;

    public override Step<T> Lower<T>(Lowering<T> to) => new BoxStep<T>(regions, first, lower, upper);
}

internal sealed unsafe class BoxStep<T>(DensityRegions regions, int first, double[] lower, double[] upper) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly double logDensity = -lower.Zip(upper, (low, high) => Math.Log(high - low)).Sum();

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
                        T.CreateTruncating(lower[i] + ErrorFunction.NormalDistribution(double.CreateTruncating(values[i])) * (upper[i] - lower[i]));
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
