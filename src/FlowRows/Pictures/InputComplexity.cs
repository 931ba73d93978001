using System.Numerics;
using FlowCore;
using FlowRows.Buffers;
using SkiaSharp;

namespace FlowRows.Pictures;

/// <summary>
/// How unlikely pictures are beyond what their mere complexity explains: bits of the flow less bits of a compressor that knows nothing
/// of its data (Serra et al. 2020, Input complexity and out-of-distribution detection with likelihood-based generative models,
/// arXiv 1909.11480). Flat pictures can be likelier than the data that a flow has learned, and are shorter still when compressed.
/// </summary>
internal static class InputComplexity
{
    public const string Column = "complexity_corrected";

    /// <summary>Whether there is such a score: rows are pictures.</summary>
    public static bool Has(FlowSpec spec) => ImageGrid.Shows(spec);

    /// <summary>
    /// (-log2 P(x) - L(x)) / D of each row in bits a dimension, higher for stranger ones: P is the probability of the pixels in their
    /// steps, L the bits of their PNG, D the dimensions.
    /// </summary>
    /// <param name="x">Rows [count, C, H, W].</param>
    /// <param name="logProb">Their log densities in nats.</param>
    /// <param name="spec">The flow's description.</param>
    /// <param name="pool">Where the answer is put.</param>
    public static RowBuffer<T> Corrected<T>(ReadOnlySpan<T> x, RowBuffer<T> logProb, FlowSpec spec, RowPool pool)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int size = spec.Width;
        PixelRange range = PixelRange.Of(spec);
        double cell = Math.Log2(spec.Pixels?.Step ?? (range.High - range.Low) / byte.MaxValue);
        using var png = new PngLength(spec.EventShape, range);
        RowBuffer<T> corrected = pool.Rent<T>(logProb.Length);
        Span<T> target = corrected.Span;
        for (int row = 0; row < target.Length; row++)
        {
            double bits = -double.CreateTruncating(logProb.Span[row]) / Math.Log(2) - size * cell;
            target[row] = T.CreateTruncating((bits - 8.0 * png.Of(x.Slice(row * size, size))) / size);
        }
        return corrected;
    }

    /// <summary>The bytes of pictures of one shape as PNG, grey or in colour.</summary>
    private sealed class PngLength(int[] shape, PixelRange range) : IDisposable
    {
        private static readonly SKPngEncoderOptions Smallest = new(SKPngEncoderFilterFlags.AllFilters, 9);

        private readonly int channels = shape[0], plane = shape[1] * shape[2];
        private readonly SKBitmap bitmap = new(shape[2], shape[1], shape[0] == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);

        public long Of<T>(ReadOnlySpan<T> picture)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            int bytes = channels == 1 ? 1 : 4;
            Span<byte> pixels = bitmap.GetPixelSpan();
            for (int i = 0; i < plane; i++)
                for (int channel = 0; channel < bytes; channel++)
                    pixels[bytes * i + channel] = channel < channels ? range.Brightness(float.CreateTruncating(picture[channel * plane + i])) : byte.MaxValue;
            using SKPixmap map = bitmap.PeekPixels();
            using SKData png = map!.Encode(Smallest)!;
            return png.Size;
        }

        public void Dispose() => bitmap.Dispose();
    }
}
