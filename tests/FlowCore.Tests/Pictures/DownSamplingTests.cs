using FlowCore.Densities;

namespace FlowCore.Tests.Pictures;

/// <summary>Samples that are down-sampled to their small image: to the last bit as numbers, and in whole levels as pictures.</summary>
public sealed class DownSamplingTests
{
    private static readonly FlowSpec Spec = SuperResolutionPreset.Create("law", [3, 8, 16], new(-0.5, 255.5, 1), scale: 4);

    private static readonly DownSampling Sampling = DownSampling.Of(Spec)!;

    [Fact]
    public void Settled_samples_have_their_means_in_any_order_of_adding()
    {
        (float[] images, float[] means) = Samples();
        // As a flow draws them: their means are those that were given, but for rounding.
        var own = new float[means.Length];
        Sampling.Means<float>(images, own);
        means = Array.ConvertAll(own, MathF.Round);
        for (int i = 0; i < images.Length; i++)
            images[i] += means[Block(i)] - own[Block(i)];
        float[] before = [.. images];
        Sampling.Settle<float>(images, means);
        Assert.All(images.Zip(before), pair => Assert.Equal(pair.First, pair.Second, 5e-4f));
        for (int channel = 0; channel < 3; channel++)
            for (int block = 0; block < 8; block++)
            {
                float down = 0, up = 0;
                for (int at = 0; at < 16; at++)
                {
                    down += Pixel(channel, block, at);
                    up += Pixel(channel, block, 15 - at);
                }
                Assert.Equal(means[channel * 8 + block], down / 16);
                Assert.Equal(means[channel * 8 + block], up / 16);
            }

        float Pixel(int channel, int block, int at) => images[channel * 128 + (block / 4 * 4 + at / 4) * 16 + block % 4 * 4 + at % 4];
    }

    private static int Block(int pixel) => pixel / 128 * 8 + pixel % 128 / 16 / 4 * 4 + pixel % 16 / 4;

    [Fact]
    public void Pictures_have_whole_levels_within_the_range_and_their_means()
    {
        (float[] images, float[] means) = Samples();
        Sampling.Round<float>(images, means);
        var back = new float[means.Length];
        Sampling.Means<float>(images, back);
        Assert.Equal(means, back);
        Assert.All(images, value => Assert.True(value is >= 0 and <= 255 && value == MathF.Round(value)));
    }

    [Fact]
    public void What_is_no_number_stays_where_it_is()
    {
        (float[] images, float[] means) = Samples();
        images[0] = float.NaN;
        means[5] = float.NaN;
        Sampling.Round<float>(images, means);
        Assert.Equal(float.NaN, images[0]);
    }

    // Small images with black and white among them, and samples that go beyond the range.
    private static (float[] Images, float[] Means) Samples()
    {
        var noise = new double[Spec.Width];
        Noise.FillNormal(4, 0, noise.Length, noise.AsSpan());
        float[] means = [.. Enumerable.Range(0, 24).Select(i => i % 5 == 0 ? 0 : i % 7 == 0 ? 255 : (i * 43 + 7) % 256)];
        return ([.. noise.Select(value => (float)(120 + 90 * value))], means);
    }
}
