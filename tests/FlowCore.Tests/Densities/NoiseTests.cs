using FlowCore.Densities;

namespace FlowCore.Tests.Densities;

public sealed class NoiseTests
{
    // The known-answer vectors that the authors publish with Random123 (philox4x32, 10 rounds).
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Philox_gives_the_published_words(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint w0, uint w1, uint w2, uint w3) =>
        Assert.Equal((w0, w1, w2, w3), Philox.At(c0, c1, c2, c3, k0, k1));

    // Values of the standard normal quantile to 17 digits.
    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.975, 1.9599639845400545)]
    [InlineData(0.25, -0.67448975019608171)]
    [InlineData(1e-10, -6.3613409024040562)]
    [InlineData(1e-300, -37.0471)]
    public void The_normal_quantile_is_exact(double p, double expected) =>
        Assert.Equal(expected, NormalQuantile.At(p), Math.Abs(expected) > 30 ? 4 : 13);

    [Fact]
    public void A_row_is_the_same_whatever_stands_before_it()
    {
        var all = new float[1000 * 7];
        Noise.FillNormal(42, 0, 7, all.AsSpan());
        for (int first = 0; first < 1000; first += 37)
        {
            var part = new float[Math.Min(37, 1000 - first) * 7];
            Noise.FillNormal(42, first, 7, part.AsSpan());
            Assert.Equal(all.AsSpan(first * 7, part.Length).ToArray(), part);
        }
    }

    [Fact]
    public void Rows_and_seeds_beyond_32_bits_differ()
    {
        float[] Row(ulong seed, long row)
        {
            var values = new float[2];
            Noise.FillNormal(seed, row, 2, values.AsSpan());
            return values;
        }
        Assert.NotEqual(Row(1, 0), Row(1UL << 32, 0));
        Assert.NotEqual(Row(1, 1), Row(1, 1L + (1L << 32)));
    }

    [Fact]
    public void Noise_has_the_moments_of_a_standard_normal()
    {
        var values = new double[400_000];
        Noise.FillNormal(7, 0, 4, values.AsSpan());
        double mean = values.Average(), variance = values.Average(v => v * v), fourth = values.Average(v => v * v * v * v);
        // Six standard errors of each moment.
        Assert.Equal(0, mean, 6 / Math.Sqrt(values.Length));
        Assert.Equal(1, variance, 6 * Math.Sqrt(2.0 / values.Length));
        Assert.Equal(3, fourth, 6 * Math.Sqrt(96.0 / values.Length));
    }

    [Fact]
    public void Single_and_double_precision_are_the_same_noise()
    {
        var single = new float[60];
        var both = new double[60];
        Noise.FillNormal(9, 5, 3, single.AsSpan());
        Noise.FillNormal(9, 5, 3, both.AsSpan());
        Assert.Equal(both.Select(value => (float)value), single);
    }
}
