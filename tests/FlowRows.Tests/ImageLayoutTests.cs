using System.IO.Pipelines;
using FlowCore;
using FlowRows.Buffers;
using FlowRows.Npy;
using FlowRows.Tables;

namespace FlowRows.Tests;

/// <summary>What the axes of an array of images mean is said, never guessed.</summary>
public sealed class ImageLayoutTests
{
    private static readonly ModelLayout Colour = Layout(3, 8, 8), Grey = Layout(1, 8, 8);

    [Fact]
    public void Rows_are_flat_or_of_the_events_shape()
    {
        Assert.Equal(192, Colour.Shaped([192], false).Values.Length);
        Assert.Equal(192, Colour.Shaped([3, 8, 8], false).Values.Length);
        Assert.Equal(64, Grey.Shaped([8, 8], false).Values.Length);
        Assert.Contains("layout=nhwc", Assert.Throws<RowFault>(() => Colour.Shaped([8, 8, 3], false)).Message, StringComparison.Ordinal);
        Assert.Throws<RowFault>(() => Colour.Shaped([24, 8], false));
        Assert.Throws<RowFault>(() => Colour.Shaped([8, 3, 8], false));
        Assert.Throws<RowFault>(() => Grey.Shaped([8, 8, 1], false));
    }

    [Fact]
    public void Channels_that_stand_last_are_found_by_name()
    {
        Assert.Equal(192, Colour.Shaped([8, 8, 3], true).Values.Length);
        Assert.Throws<RowFault>(() => Colour.Shaped([3, 8, 8], true));
        int[] order = Colour.FromChannelsLast!;
        for (int channel = 0; channel < 3; channel++)
            for (int pixel = 0; pixel < 64; pixel++)
                Assert.Equal(pixel * 3 + channel, order[channel * 64 + pixel]);
    }

    [Fact]
    public async Task An_array_with_its_channels_last_gives_the_values_of_the_models_own_order()
    {
        // [2, height 2, width 1, channels 3]: the value says channel, then pixel.
        float[] last = [0, 10, 20, 1, 11, 21, 100, 110, 120, 101, 111, 121];
        var source = new RowSource(Layout(3, 2, 1), RowLimits.Files, new RowPool()) { ChannelsLast = true, IsShort = true };
        PipeReader body = PipeReader.Create(new MemoryStream(FlowService.Tests.Support.Npy.Of(last, 2, 2, 1, 3)));
        await using RowReader<float> reader = await new NpyFormat().OpenAsync<float>(body, source, TestContext.Current.CancellationToken);
        using RowBlock<float> block = await reader.ReadAllAsync(TestContext.Current.CancellationToken);

        Assert.Equal([0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121], block.Values!.Values.Span.ToArray());
    }

    private static ModelLayout Layout(params int[] shape) =>
        new("m", new FlowSpec { Name = "m", EventShape = shape, Bijections = [] }, RowNames.X, hasContext: false);
}
