using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tensors;

/// <summary>
/// Convolutions of images. On the CPU they are matrix products over patches: the library's own kernel for float32 (oneDNN, in libtorch 2.10) gives
/// numbers that are wrong in the first digit, now and then, for 3x3 kernels over 24 channels on processors with AVX-512.
/// </summary>
internal static class ImageConvolution
{
    /// <summary>w * x + b: x is [batch, channels, height, width], w [outputs, channels, side, side]; zeros stand around the image.</summary>
    public static Tensor Of(Tensor x, Tensor w, Tensor? bias, long padding = 0)
    {
        if (x.device_type != DeviceType.CPU)
#pragma warning disable RS0030 // wrong on CPUs alone
            return nn.functional.conv2d(x, w, bias, padding: [padding, padding]);
#pragma warning restore RS0030
        long batch = x.shape[0], outputs = w.shape[0], side = w.shape[2];
        long height = x.shape[2] + 2 * padding - side + 1, width = x.shape[3] + 2 * padding - side + 1;
        // [batch, channels * side * side, places]
        Tensor patches = side == 1 && padding == 0
            ? x.reshape(batch, x.shape[1], -1)
            : nn.functional.unfold(x, (side, side), padding: (padding, padding));
        Tensor flat = w.reshape(1, outputs, -1).expand(batch, -1, -1);
        Tensor y = flat.bmm(patches);
        return (bias is null ? y : y + bias.reshape(1, -1, 1)).reshape(batch, outputs, height, width);
    }
}
