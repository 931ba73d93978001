using FlowCore.Conditioners.Layers;
using static TorchSharp.torch;

namespace FlowCore.Conditioners;

/// <summary>
/// The masks of an autoregressive network: a hidden unit of degree k sees groups below k, the outputs of group k see units of
/// degree at most k (Germain, Gregor, Murray, Larochelle 2015, "MADE", arXiv 1502.03509). Every unit sees the context.
/// </summary>
internal static class MadeMasks
{
    public static void Set(Network network, int[] order, int context, int parameters)
    {
        int groups = order.Max() + 1;
        // A column of the input has the degree at which it becomes visible; the context is visible from the start.
        int[] seen = [.. order.Select(group => group + 1), .. Enumerable.Repeat(0, context)];
        LinearLayer[] layers = [.. network.Layers.OfType<LinearLayer>()];
        for (int l = 0; l < layers.Length; l++)
        {
            int[] degrees = l == layers.Length - 1
                ? [.. order.SelectMany(group => Enumerable.Repeat(group, parameters))]
                : Hidden(layers[l].Width, groups, context > 0);
            var mask = new float[degrees.Length, seen.Length];
            for (int row = 0; row < degrees.Length; row++)
                for (int column = 0; column < seen.Length; column++)
                    mask[row, column] = seen[column] <= degrees[row] ? 1 : 0;
            layers[l].SetMask(tensor(mask));
            seen = degrees;
        }
    }

    // Degrees in turn; degree 0 (units that see the context alone) only where there is one, and degree G never: no output needs it.
    private static int[] Hidden(int width, int groups, bool context)
    {
        int least = context || groups == 1 ? 0 : 1, count = Math.Max(1, groups - least);
        return [.. Enumerable.Range(0, width).Select(unit => least + unit % count)];
    }
}
