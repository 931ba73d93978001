using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>
/// One step of a <see cref="Network"/>: <c>[batch, in]</c> and the context to <c>[batch, out]</c>, or <c>[batch, in, H, W]</c> to
/// <c>[batch, out, H, W]</c>.
/// </summary>
public abstract class Layer(string name) : nn.Module(name)
{
    public abstract Tensor Forward(Tensor h, Tensor? context);
}

/// <summary>
/// What a layer is told of its place: the width (for images: the channels) that reaches it, the encoded context, and the
/// height and width of an image.
/// </summary>
internal readonly record struct LayerPlace(int Width, ContextPlace Context, (int Height, int Width)? Image = null)
{
    public bool IsImage => Image is not null;

    public int Pixels => Image is var (height, width) ? height * width : 1;

    /// <summary>The values of one row.</summary>
    public long Values => (long)Width * Pixels;

    public static LayerPlace Of(EventShape shape) =>
        new(shape.Channels, shape.Context, shape.IsImage ? (shape.Image.Height, shape.Image.Width) : null);

    /// <summary>What the conditioners are given, where a context comes to this.</summary>
    public ContextPlace AsContext => new(Width, Image);

    public LayerPlace Wide(long width) => this with { Width = (int)Math.Min(int.MaxValue, width) };

    /// <exception cref="SpecException">An image comes in.</exception>
    public void NeedsVector(SpecScope at)
    {
        if (IsImage)
            throw at.Refusal("kind", "needs a vector event");
    }

    /// <summary>The frames of a sequence: of an image one pixel high.</summary>
    /// <exception cref="SpecException">Something else comes in.</exception>
    public int NeedsFrames(SpecScope at) => Image is (1, var frames)
        ? frames
        : throw at.Refusal("kind", "needs a sequence of frames: an event or a context of the shape [channels, frames]");

    /// <exception cref="SpecException">A vector comes in.</exception>
    public void NeedsImage(SpecScope at)
    {
        if (!IsImage)
            throw at.Refusal("kind", "needs an image event");
    }
}
