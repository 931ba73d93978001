using static TorchSharp.torch;

namespace FlowCore;

/// <summary>What a bijection is told of its place in the flow: the shape of one event there, and the encoded context.</summary>
internal readonly record struct EventShape(int[] Sizes, ContextPlace Context)
{
    /// <summary>The shape of events whose sizes a description gives: a sound of [channels, frames] is an image one pixel high.</summary>
    public static EventShape Of(int[] sizes, ContextPlace context) => new(sizes is [var channels, var frames] ? [channels, 1, frames] : sizes, context);

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
