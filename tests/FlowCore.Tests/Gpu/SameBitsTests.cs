using System.Numerics;
using CsCheck;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Gpu;

namespace FlowCore.Tests.Gpu;

/// <summary>
/// A kernel gives the bits of the CPU's engine, in float32 and in float64, for every kind, in batches of any size. No number has no
/// particular bits: a GPU's NaN need not be a processor's.
/// </summary>
public sealed class SameBitsTests
{
    private const int Pool = 70, Sampled = 9;

    // One row, few, a tile more or less, several tiles for each block.
    private static readonly Gen<int> Sizes = Gen.OneOf(Gen.Int[1, 4], Gen.Int[5, 40], Gen.Int[90, 140]);

    [Theory, MemberData(nameof(GpuFlows.Names), MemberType = typeof(GpuFlows))]
    public void A_kernel_in_float32_gives_the_bits_of_the_CPU(string name) => Same<float>(name);

    [Theory, MemberData(nameof(GpuFlows.LargeNames), MemberType = typeof(GpuFlows))]
    public void A_kernel_in_float64_gives_the_bits_of_the_CPU(string name) => Same<double>(name);

    private static void Same<T>(string name)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using var cpu = new CompiledEngine<T>(GpuFlows.Checkpoint(name));
        using GpuEngine<T> gpu = GpuFlows.Open<T>(name);
        bool large = cpu.Width > 16;
        var (wide, wideContext, wideZ) = GpuFlows.Rows(name, Pool);
        T[] x = Narrow<T>(wide), context = Narrow<T>(wideContext), z = Narrow<T>(wideZ);
        Gen.Select(Sizes, Gen.Int[0, 1 << 30]).Sample(
            (size, seed) =>
            {
                int rows = large ? Math.Min(size, 9) : size;
                var random = new Random(seed);
                int[] chosen = [.. Enumerable.Range(0, rows).Select(_ => random.Next(Pool))];
                T[] condition = Chosen(context, chosen, cpu.ContextWidth);
                Same(name, "z", Forward(cpu, Chosen(x, chosen, cpu.Width), condition), Forward(gpu, Chosen(x, chosen, cpu.Width), condition));
                Same(name, "x", Inverse(cpu, Chosen(z, chosen, cpu.Width), condition), Inverse(gpu, Chosen(z, chosen, cpu.Width), condition));
                Same(name, "latents", Latents(cpu, condition, rows, seed), Latents(gpu, condition, rows, seed));
            },
            iter: large ? 1 : 2, threads: 1);
        T[] given = Chosen(context, [.. Enumerable.Range(0, Sampled)], cpu.ContextWidth);
        Same(name, "samples", Samples(cpu, given), Samples(gpu, given));
        double[] extremes = large ? [0, -0.0, 5, -1e20, double.NaN] : [0, -0.0, 1, -1, 1.5, -1.5, 5, -5, 1e4, -1e4, 1e20, -1e20, 1e-40, double.NaN];
        T[] far = Narrow<T>([.. extremes.SelectMany(value => Enumerable.Repeat(value, cpu.Width))]), none = new T[extremes.Length * cpu.ContextWidth];
        Same(name, "extreme z", Forward(cpu, far, none), Forward(gpu, far, none));
        Same(name, "extreme x", Inverse(cpu, far, none), Inverse(gpu, far, none));
    }

    private static T[] Forward<T>(FlowEngine<T> engine, T[] x, T[] context)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int rows = x.Length / engine.Width;
        T[] z = new T[x.Length], logDet = new T[rows], logProb = new T[rows];
        engine.Forward(x, context, z, logDet, logProb);
        return [.. z, .. logDet, .. logProb];
    }

    private static T[] Inverse<T>(FlowEngine<T> engine, T[] z, T[] context)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int rows = z.Length / engine.Width;
        T[] x = new T[z.Length], logDet = new T[rows], logProb = new T[rows];
        engine.Inverse(z, context, x, logDet, logProb);
        return [.. x, .. logDet, .. logProb];
    }

    private static T[] Latents<T>(FlowEngine<T> engine, T[] context, int rows, int seed)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] noise = new T[rows * engine.NoiseWidth], z = new T[rows * engine.Width], logBase = new T[rows];
        T[] temperature = [.. Enumerable.Range(0, rows).Select(i => T.CreateTruncating(1 - 0.1 * (i % 3)))];
        engine.DrawNoise((ulong)seed, 5, noise);
        engine.Latents(noise, context, temperature, z, logBase);
        return [.. z, .. logBase];
    }

    // On a GPU the noise is drawn by the kernel: of two seeds, from any row on.
    private static T[] Samples<T>(FlowEngine<T> engine, T[] context)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var rows = new NoiseRow[Sampled];
        NoiseRow.Fill(rows.AsSpan(..5), 1, 100);
        NoiseRow.Fill(rows.AsSpan(5..), ulong.MaxValue - 7, (1L << 40) - 2);
        T[] z = new T[Sampled * engine.Width], x = new T[z.Length], logBase = new T[Sampled], logDet = new T[Sampled], logProb = new T[Sampled];
        T[] temperature = [.. Enumerable.Range(0, Sampled).Select(i => T.CreateTruncating(1 - 0.1 * (i % 3)))];
        engine.Sample(rows, context, temperature, z, logBase, x, logDet, logProb);
        return [.. z, .. logBase, .. x, .. logDet, .. logProb];
    }

    private static T[] Narrow<T>(double[] values)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Array.ConvertAll(values, T.CreateTruncating);

    private static T[] Chosen<T>(T[] rows, int[] chosen, int width) => [.. chosen.SelectMany(i => rows.AsSpan(i * width, width).ToArray())];

    private static void Same<T>(string name, string what, T[] expected, T[] actual)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < expected.Length; i++)
            if (!T.IsNaN(expected[i]) || !T.IsNaN(actual[i]))
                Assert.True(Bits(expected[i]) == Bits(actual[i]), $"{name}: {what} {i} of {expected.Length} is {actual[i]:r} instead of {expected[i]:r}");
    }

    private static long Bits<T>(T value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => BitConverter.DoubleToInt64Bits(double.CreateTruncating(value));
}
