namespace FlowCore.Engines.Compiled;

/// <summary>A value's place: a region, and the offset within a row of it.</summary>
internal readonly record struct Place(Region Region, int Offset);

/// <summary>
/// Where the values of an event stand, in their logical order. Permutations, squeezes and splits move nothing: they only rename
/// places, and the next step that reads the values finds them there.
/// </summary>
internal sealed record Places(int[] Sizes, Place[] Values)
{
    public int Channels => Sizes[0];

    public int Pixels => Values.Length / Sizes[0];

    /// <summary>A new region that holds such an event in order, pixel by pixel with the channels as neighbours.</summary>
    public static Places Fresh(int[] sizes)
    {
        int pixels = sizes.Length == 3 ? sizes[1] * sizes[2] : 1, stride = PixelStride(sizes);
        var region = new Region(stride * pixels);
        return new(sizes, [.. Enumerable.Range(0, sizes[0] * pixels).Select(i => new Place(region, i % pixels * stride + i / pixels))]);
    }

    /// <summary>The distance between pixels: a whole number of vectors, so that a kernel may store whole ones.</summary>
    public static int PixelStride(int[] sizes) => new Region(sizes[0]).Width;

    /// <summary>The values in the order of a list.</summary>
    public Places Select(int[] sizes, IEnumerable<int> indices) => new(sizes, [.. indices.Select(i => Values[i])]);

    /// <summary>The one region they all stand in; null where there are several.</summary>
    public Region? Region => Array.TrueForAll(Values, place => place.Region == Values[0].Region) ? Values[0].Region : null;

    /// <summary>
    /// For maps of channels at every pixel: the offset of each pixel, and of each channel from there. Null where the channels do
    /// not lie alike at all pixels.
    /// </summary>
    public (int[] Pixels, int[] Channels)? Grid()
    {
        if (Region is null)
            return null;
        int pixels = Pixels;
        int[] at = [.. Enumerable.Range(0, pixels).Select(pixel => Values[pixel].Offset)];
        int[] channels = [.. Enumerable.Range(0, Channels).Select(channel => Values[channel * pixels].Offset - at[0])];
        for (int channel = 0; channel < channels.Length; channel++)
            for (int pixel = 0; pixel < pixels; pixel++)
                if (Values[channel * pixels + pixel].Offset != at[pixel] + channels[channel])
                    return null;
        return (at, channels);
    }
}
