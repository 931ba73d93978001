using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Tests.Engines;

namespace FlowCore.Tests.Pictures;

/// <summary>Which other sizes of images a flow takes, and that it is the same flow there.</summary>
public sealed class EventSizesTests
{
    private static readonly PixelValues Pixels = new(-0.5, 16.5, 1);

    [Fact]
    public void Convolutional_flows_take_what_their_squeezes_divide()
    {
        EventSizes enlarging = EventSizes.Of(EnlargingFlow.Spec)!;
        Assert.Equal([4, 4], enlarging.MultipleOf);
        Assert.Equal(16 * 64, enlarging.MostPixels);
        Assert.Equal([1, 3, 5], enlarging.At(12, 20).Context!.Shape!);
        Assert.Equal([2, 2], EventSizes.Of(ImagePresets.Create(ImagePresets.Glow, "n", [1, 8, 8], Pixels, new PresetSizes(Levels: 1, Layers: 1)))!.MultipleOf);

        // A base density with a value for each latent knows one size, and vectors have none.
        Assert.Null(EventSizes.Of(ImagePresets.Create(ImagePresets.Glow, "n", [1, 8, 8], Pixels, new PresetSizes(Levels: 1, Layers: 1), classes: 3)));
        Assert.Null(EventSizes.Of(new FlowSpec { Name = "n", EventShape = [8], Bijections = [] }));
    }

    [Theory]
    [InlineData(13, 20, "12 x 20")]
    [InlineData(0, 7, "4 x 8")]
    [InlineData(1_000_000, 1_000_000, "32 x 32")]
    [InlineData(4, 1_000_000, "4 x 256")]
    public void What_is_not_taken_is_refused_with_the_nearest_that_is(int height, int width, string nearest)
    {
        EventSizes sizes = EventSizes.Of(EnlargingFlow.Spec)!;
        Assert.EndsWith($"the nearest size is {nearest}", Assert.Throws<SpecException>(() => sizes.At(height, width)).Message, StringComparison.Ordinal);
        int[] sides = [.. nearest.Split(" x ").Select(int.Parse)];
        Assert.Equal(sides, sizes.At(sides[0], sides[1]).EventShape[1..]);
    }

    [Fact]
    public void What_rows_show_and_what_is_said_agree_or_are_refused()
    {
        FlowSpec spec = EnlargingFlow.Spec, table = new() { Name = "table", EventShape = [8], Bijections = [] };
        EventSizes sizes = EventSizes.Of(spec)!;
        Assert.Same(spec, EventSizes.Requested(spec, sizes, null, null));
        Assert.Equal([1, 12, 20], EventSizes.Requested(spec, sizes, null, (12, 20)).EventShape);
        Assert.Equal([1, 12, 20], EventSizes.Requested(spec, sizes, new(1, 12, 20), (12, 20)).EventShape);
        Assert.Equal([1, 12, 20], EventSizes.Requested(spec, sizes, new(null, 3, 5, AreContexts: true), null).EventShape);
        Assert.Same(spec, EventSizes.Requested(spec, sizes, new(3, 12, 20), null)); // whose reader refuses their channels

        Refused("size says images of 8 x 8, and by their shape the rows are for images of 12 x 20", spec, sizes, new(1, 12, 20), (8, 8));
        Refused("its rows are not images", table, null, null, (8, 8));
        FlowSpec one = spec with { Name = "one" };
        Assert.Same(one, EventSizes.Requested(one, null, null, (8, 8)));
        Refused("model 'one': images of 12 x 20 (height x width) are not taken; it takes 8 x 8 alone", one, null, null, (12, 20));

        static void Refused(string words, FlowSpec spec, EventSizes? sizes, ShownImages? shown, (int, int)? asked) => Assert.Contains(
            words, Assert.Throws<SpecException>(() => EventSizes.Requested(spec, sizes, shown, asked)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flow_at_another_size_is_one_bijection_on_both_engines()
    {
        var checkpoint = EnlargingFlow.Checkpoint() with { Spec = EventSizes.Of(EnlargingFlow.Spec)!.At(12, 20) };
        using var compiled = new CompiledEngine<double>(checkpoint);
        using var torch = new TorchEngine<double>(checkpoint.BuildFlow());
        double[] context = [.. EnlargingFlow.Small<double>(4).Take(15)], noise = new double[240], z = new double[240], one = new double[1];
        compiled.DrawNoise(3, 0, noise);
        compiled.Latents(noise, context, [1], z, one);
        double[] x = new double[240], logDet = new double[1], other = new double[240], back = new double[240], logProb = new double[1];
        compiled.Inverse(z, context, x, logDet, logProb);
        torch.Inverse(z, context, other, one, new double[1]);
        Assert.All(x.Zip(other), pair => Assert.Equal(pair.First, pair.Second, 1e-7));
        compiled.Forward(x, context, back, one, new double[1]);
        Assert.All(z.Zip(back), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        Assert.Equal(-logDet[0], one[0], 1e-7);
    }
}
