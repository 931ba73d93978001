using FlowCore.Engines.Compiled.Formulas;

namespace FlowCore.Engines.Compiled.Network;

// Convolutions, as linear maps of pixels.
internal sealed partial class NetworkCompiler
{
    // Fewer outputs than fill a vector, so many products of a pixel at most, or so many for each channel.
    private const int FewOutputs = 16, FewProducts = 64, ProductsOfChannel = 4;

    /// <summary>A convolution: weights [outputs, channels, height, width], the image surrounded by a fixed value.</summary>
    public Node Convolution(Node h, Formula weights, Formula bias, Kernel kernel, double border, int[]? order)
    {
        int outputs = bias.Count, channels = h.Units, taps = kernel.Height * kernel.Width, stride = Places.PixelStride([outputs]);
        bool few = outputs < FewOutputs && outputs <= channels && taps * outputs <= Math.Max(FewProducts, ProductsOfChannel * channels);
        if (few && taps > 1 && border == 0)
            return OfFewOutputs(h is ParallelNode ? Copied(h) : h, weights, bias, kernel, order);
        var (above, beside) = (kernel.Height / 2, kernel.Beside);
        bool alone = taps == 1;
        Node around = alone && h is not ParallelNode ? h : Bordered(h, above, beside, border);
        int line = h.Image.Width + 2 * beside;
        var matrix = new int[outputs * taps * channels];
        var index = new int[taps * channels];
        for (int tap = 0; tap < taps; tap++)
            for (int channel = 0; channel < channels; channel++)
            {
                int at = tap * channels + channel;
                index[at] = around.Columns[channel] + (tap / kernel.Width * line + tap % kernel.Width * kernel.Dilation) * (alone ? 0 : BorderedStride(h));
                for (int output = 0; output < outputs; output++)
                    matrix[output * taps * channels + at] = (output * channels + channel) * taps + tap;
            }
        return Add(new LinearNode
        {
            Region = new Region(stride * h.Pixels.Length),
            Columns = ColumnsOf(order ?? Sorted(outputs, null)),
            Pixels = [.. Enumerable.Range(0, h.Pixels.Length).Select(pixel => pixel * stride)],
            Image = h.Image,
            Matrix = weights.Pick(matrix),
            Bias = bias,
            Index = index,
            Input = around.Region,
            InputPixels = alone ? around.Pixels : [.. around.Pixels.Select(pixel => pixel - (above * line + beside) * BorderedStride(h))],
        });
    }

    /// <summary>
    /// A convolution of few outputs: all taps of a pixel at once, as outputs of one linear map that fill whole vectors; then each output gathers
    /// its taps from the pixels around. Zeros beyond the image are not read.
    /// </summary>
    private Node OfFewOutputs(Node h, Formula weights, Formula bias, Kernel kernel, int[]? order)
    {
        int outputs = bias.Count, channels = h.Units, taps = kernel.Height * kernel.Width;
        int[] columns = ColumnsOf(order ?? Sorted(outputs, null));
        var matrix = new int[taps * outputs * channels];
        for (int tap = 0; tap < taps; tap++)
            for (int output = 0; output < outputs; output++)
                for (int channel = 0; channel < channels; channel++)
                    matrix[(tap * outputs + columns[output]) * channels + channel] = (output * channels + channel) * taps + tap;
        // Whole vectors are read from where the last tap begins.
        int stride = Places.PixelStride([(taps - 1) * outputs + FewOutputs]);
        var products = new LinearNode
        {
            Region = new Region(stride * h.Pixels.Length),
            Columns = [.. Enumerable.Range(0, taps * outputs)],
            Pixels = [.. Enumerable.Range(0, h.Pixels.Length).Select(pixel => pixel * stride)],
            Image = h.Image,
            Matrix = weights.Pick(matrix),
            Bias = Formula.Repeated(0, taps * outputs),
            Index = h.Columns,
            Input = h.Region,
            InputPixels = h.Pixels,
        };
        nodes.Add(products);
        return Add(new ShiftedSumNode
        {
            Region = new Region(outputs * h.Pixels.Length),
            Columns = columns,
            Pixels = [.. Enumerable.Range(0, h.Pixels.Length).Select(pixel => pixel * outputs)],
            Image = h.Image,
            Input = products,
            Bias = bias,
            Kernel = kernel,
        });
    }

    private static int BorderedStride(Node h) => h.Units;

    /// <summary>The image with a margin of fixed values around it.</summary>
    private CopyNode Bordered(Node h, int above, int beside, double border)
    {
        var (height, width) = h.Image;
        int stride = BorderedStride(h), line = width + 2 * beside;
        int PixelAt(int y, int x) => ((y + above) * line + x + beside) * stride;
        var edge = new List<int>();
        for (int y = -above; y < height + above; y++)
            for (int x = -beside; x < width + beside; x++)
                if (y < 0 || x < 0 || y >= height || x >= width)
                    edge.AddRange(Enumerable.Range(PixelAt(y, x), stride));
        int[] pixels = [.. Enumerable.Range(0, height * width).Select(pixel => PixelAt(pixel / width, pixel % width))];
        var node = new CopyNode
        {
            Region = new Region((height + 2 * above) * line * stride),
            Columns = [.. Enumerable.Range(0, h.Units)],
            Pixels = pixels,
            Image = h.Image,
            From = [.. Enumerable.Range(0, h.Units).Select(unit => Enumerable.Range(0, pixels.Length).Select(pixel => (Place?)h.At(unit, pixel)).ToArray())],
            BorderPlaces = edge,
            Border = border,
        };
        nodes.Add(node);
        return node;
    }
}

/// <summary>The sides of a convolution's kernel, and the distance from one of its columns to the next.</summary>
/// <param name="Height">Its rows.</param>
/// <param name="Width">Its columns.</param>
/// <param name="Dilation">The distance between columns.</param>
/// <param name="Causal">Whether the last column, rather than the middle one, stands at the pixel itself.</param>
internal readonly record struct Kernel(int Height, int Width, int Dilation = 1, bool Causal = false)
{
    /// <summary>The columns of pixels that are needed at either side.</summary>
    public int Beside => Causal ? (Width - 1) * Dilation : Width / 2 * Dilation;
}
