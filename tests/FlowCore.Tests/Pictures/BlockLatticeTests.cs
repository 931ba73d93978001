using CsCheck;
using FlowCore.Bijections;
using FlowCore.Densities;
using FlowCore.Training;

namespace FlowCore.Tests.Pictures;

/// <summary>Blocks with a known sum: the nearest integers, and noise that fills their cell evenly.</summary>
public sealed class BlockLatticeTests
{
    [Fact]
    public void No_other_integers_with_the_sum_are_nearer() => Gen.Select(Gen.Double[-4, 4].Array[4], Gen.Int[-6, 6]).Sample((values, sum) =>
    {
        double[] rounded = [.. values];
        BlockLattice.Round(rounded, sum, -3, 3);
        Assert.Equal(sum, rounded.Sum());
        double least = double.PositiveInfinity;
        for (int a = -3; a <= 3; a++)
            for (int b = -3; b <= 3; b++)
                for (int c = -3; c <= 3; c++)
                    if (sum - a - b - c is >= -3 and <= 3 and var d)
                        least = Math.Min(least, Distance(values, [a, b, c, d]));
        Assert.Equal(least, Distance(values, rounded), 1e-9);
    });

    [Fact]
    public void Noise_lies_in_the_cell_around_0_and_fills_it()
    {
        const int draws = 40_000;
        var noise = new double[4];
        double[] moments = new double[4];
        for (int draw = 0; draw < draws; draw++)
        {
            var (a, b, c, _) = Philox.At((uint)draw, 0, 0, 0, 7, 0);
            (noise[0], noise[1], noise[2], noise[3]) = ((a + 0.5) / (1L << 32), (b + 0.5) / (1L << 32), (c + 0.5) / (1L << 32), 0.5);
            BlockLattice.ToCell(noise);
            Assert.Equal(0, noise.Sum(), 1e-12);
            // No neighbour of the lattice is nearer: a step moves one value up and another down.
            Assert.True(noise.Max() - noise.Min() <= 1 + 1e-12);
            for (int i = 0; i < 4; i++)
                moments[i] += noise[i] * noise[i] / draws;
        }
        // The second moment of A3's cell, a rhombic dodecahedron: 3/8 of its squared side over all directions (Conway, Sloane 1982).
        Assert.All(moments, moment => Assert.InRange(moment, 0.0787451 * Math.Pow(4, 1.0 / 3) * 3 / 4 - 0.003, 0.0787451 * Math.Pow(4, 1.0 / 3) * 3 / 4 + 0.003));
    }

    [Fact]
    public void Spread_images_keep_their_means_and_round_back()
    {
        FlowSpec spec = SuperResolutionPreset.Create("law", [1, 8, 8], new(-0.5, 255.5, 1), scale: 2);
        using Flow flow = FlowBuilder.Build(spec);
        double[] pixels = [.. Enumerable.Range(0, 128).Select(i => i * 71 % 256)], means = new double[32], after = new double[32];
        var table = new Table([.. pixels], 64);
        double[] spread = flow.Bijections.OfType<Dequantize>().Single().Spread(table, seed: 3, stream: 1).Values;
        DownSampling sampling = DownSampling.Of(spec)!;
        sampling.Means<double>(pixels, means);
        sampling.Means<double>(spread, after);
        Assert.All(means.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Contains(spread.Zip(pixels), pair => Math.Abs(pair.First - pair.Second) > 0.4);
        sampling.Round<double>(spread, means);
        Assert.Equal(pixels, spread);
    }

    private static double Distance(double[] a, double[] b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum();
}
