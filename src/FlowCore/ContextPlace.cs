using FlowCore.Conditioners.Layers;
using static TorchSharp.torch;

namespace FlowCore;

/// <summary>
/// What the conditioners are given of the context, behind its encoder: so many values, or so many channels of an image. A place of a
/// larger image reads each pixel of it as a block of its own pixels (nearest neighbour); values reach every pixel of an image.
/// </summary>
internal readonly record struct ContextPlace(int Width, (int Height, int Width)? Image = null)
{
    public bool IsImage => Image is not null;

    public int Pixels => Image is var (height, width) ? height * width : 1;

    /// <summary>The numbers of one row.</summary>
    public int Values => Width * Pixels;

    public static implicit operator ContextPlace(int width) => new(width);

    /// <summary>Refuses a place whose pixels are not blocks of the context's.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    public void Check(SpecScope at, LayerPlace place)
    {
        if (Image is not var (height, width))
            return;
        if (place.Image is not var (rows, columns))
            throw at.Refusal("kind", $"the context is an image of {height} x {width}, and the event here a vector; end its embedding with a flatten layer");
        if (rows % height != 0 || columns % width != 0)
            throw at.Refusal("kind", $"the context is an image of {height} x {width}, which {rows} x {columns} are not a multiple of");
    }

    /// <summary>The context at every pixel of images <c>[batch, channels, H, W]</c>; for vectors as it is.</summary>
    public static Tensor At(Tensor context, Tensor h)
    {
        if (h.dim() != 4)
            return context.alias();
        if (context.dim() == 2)
            return context.unsqueeze(-1).unsqueeze(-1).expand(-1, -1, h.shape[2], h.shape[3]);
        return context.shape[2] == h.shape[2] && context.shape[3] == h.shape[3]
            ? context.alias()
            : context.repeat_interleave(h.shape[2] / context.shape[2], 2).repeat_interleave(h.shape[3] / context.shape[3], 3);
    }
}
