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

/// <summary>What a layer is told of its place: the width (for images: the channels) that reaches it, and the width of the encoded context.</summary>
internal readonly record struct LayerPlace(int Width, int Context, bool IsImage = false);
