using static TorchSharp.torch;

namespace FlowCore;

/// <summary>What a bijection is told of its place in the flow: the shape of one event there, and the width of the encoded context.</summary>
internal readonly record struct EventShape(int[] Sizes, int Context)
{
    /// <summary>The sizes of an event as the flow sees them: a sound of [channels, frames] is an image one pixel high.</summary>
    public static int[] Of(int[] sizes) => sizes.Length == 2 ? [sizes[0], 1, sizes[1]] : sizes;

    public bool IsImage => Sizes.Length == 3;

    /// <summary>The number of values of a vector event.</summary>
    public int Features => Sizes[0];

    /// <summary>The channels of an image, the features of a vector: what the first axis of an event counts.</summary>
    public int Channels => Sizes[0];

    /// <summary>The pixels of an image; 1 for a vector.</summary>
    public int Pixels => IsImage ? Sizes[1] * Sizes[2] : 1;

    public int Width => Channels * Pixels;

    /// <summary>One value a channel, in a shape that spreads over the pixels of <c>[batch, ...event]</c>.</summary>
    public Tensor OverPixels(Tensor channels) => IsImage ? channels.reshape(-1, 1, 1) : channels;

    public (int Channels, int Height, int Width) Image => (Sizes[0], Sizes[1], Sizes[2]);
}
