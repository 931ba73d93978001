using static TorchSharp.torch;

namespace FlowCore.Tensors;

/// <summary>
/// ln(1 + e^x), exact in float64: libtorch takes x itself from 20 on by default, where the difference is still 2e-9, and the derivative's
/// too.
/// </summary>
internal static class ExactSoftplus
{
    // From here on float64 has no digits left for the difference.
    private const double Linear = 40;

    public static Tensor Of(Tensor x) => nn.functional.softplus(x, 1, Linear);
}
