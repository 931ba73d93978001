using FlowCore;
using SkiaSharp;

namespace FlowRows.Pictures;

/// <summary>Images enlarged by Catmull-Rom's cubic: the yardstick of super-resolution.</summary>
internal static class Bicubic
{
    /// <param name="small">The small images, flat [images, C, h, w].</param>
    /// <param name="height">Their height.</param>
    /// <param name="width">Their width.</param>
    /// <param name="scale">How many times larger the sides become.</param>
    /// <param name="range">The values of black and of full brightness; values are rounded to 256 levels between them.</param>
    public static float[] Enlarge(ReadOnlySpan<float> small, int height, int width, int scale, PixelRange range)
    {
        int size = height * width, large = size * scale * scale;
        var enlarged = new float[small.Length * scale * scale];
        var cubic = new SKSamplingOptions(SKCubicResampler.CatmullRom);
        using var from = new SKBitmap(new SKImageInfo(width, height, SKColorType.Gray8, SKAlphaType.Opaque));
        using var to = new SKBitmap(new SKImageInfo(width * scale, height * scale, SKColorType.Gray8, SKAlphaType.Opaque));
        for (int plane = 0; plane < small.Length / size; plane++)
        {
            Span<byte> source = from.GetPixelSpan();
            for (int pixel = 0; pixel < size; pixel++)
                source[pixel / width * from.RowBytes + pixel % width] = range.Brightness(small[plane * size + pixel]);
            if (!from.ScalePixels(to, cubic))
                throw new FlowException($"an image of {height} x {width} cannot be enlarged {scale} times");
            ReadOnlySpan<byte> result = to.GetPixelSpan();
            for (int pixel = 0; pixel < large; pixel++)
                enlarged[plane * large + pixel] = (float)(range.Low + (range.High - range.Low) * result[pixel / (width * scale) * to.RowBytes + pixel % (width * scale)] / 255);
        }
        return enlarged;
    }
}
