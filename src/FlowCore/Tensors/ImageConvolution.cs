using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tensors;

/// <summary>
/// Convolutions of images. On processors with AVX-512 the library's own kernel for float32 (oneDNN, in libtorch 2.10) gives numbers that are wrong in
/// the first digit for 3x3 kernels over more than 16 channels that are not whole blocks of 16, and gradients that are so for outputs that are none:
/// there, channels of zeros fill the blocks.
/// </summary>
internal static class ImageConvolution
{
    private const long Block = 16;

    /// <summary>w * x + b: x is [batch, channels, height, width], w [outputs, channels, side, side]; zeros stand around the image.</summary>
    public static Tensor Of(Tensor x, Tensor w, Tensor? bias, long padding = 0) => Of(x, w, bias, [padding, padding], dilation: 1);

    /// <summary>Along time: x is [batch, channels, 1, frames], w [outputs, channels, an odd number of frames]; zeros stand before and behind.</summary>
    public static Tensor AlongTime(Tensor x, Tensor w, Tensor? bias, long dilation) =>
        Of(x, w.unsqueeze(2), bias, [0, w.shape[2] / 2 * dilation], dilation);

    private static Tensor Of(Tensor x, Tensor w, Tensor? bias, long[] padding, long dilation)
    {
        long channels = w.shape[1], outputs = w.shape[0];
        long more = channels > Block ? Missing(channels) : 0, moreOutputs = Missing(outputs);
        if (x.device_type != DeviceType.CPU || x.dtype != ScalarType.Float32 || w.shape[2] * w.shape[3] == 1 || (more == 0 && moreOutputs == 0))
            return Convolved(x, w, bias, padding, dilation);
        Tensor filled = more == 0 ? x : Padded(x, [0, 0, 0, 0, 0, more]);
        Tensor y = Convolved(filled, Padded(w, [0, 0, 0, 0, 0, more, 0, moreOutputs]), bias is null ? null : Padded(bias, [0, moreOutputs]), padding, dilation);
        return y.narrow(1, 0, outputs);
    }

    private static long Missing(long channels) => (Block - channels % Block) % Block;

    private static Tensor Padded(Tensor values, long[] around) => nn.functional.pad(values, around, PaddingModes.Constant, 0);

#pragma warning disable RS0030 // the one place that knows which numbers it gets wrong
    private static Tensor Convolved(Tensor x, Tensor w, Tensor? bias, long[] padding, long dilation) =>
        nn.functional.conv2d(x, w, bias, padding: padding, dilation: [1, dilation]);
#pragma warning restore RS0030
}
