using System.Runtime.InteropServices;
using FlowCore;
using SkiaSharp;

namespace FlowRows.Pictures;

/// <summary>Images of one size side by side as one picture; small ones are enlarged, each pixel to a square.</summary>
internal sealed class ImageGrid(FlowSpec spec, PixelRange range, int images, int columns)
{
    private const int Gap = 2, WantedSide = 64, MostSide = 16384;
    private const long MostPixels = 32L << 20;

    private static readonly SKColor Background = new(0x3c, 0x3f, 0x4a), NotFinite = new(0xe0, 0x40, 0xa0);

    private readonly int channels = spec.EventShape[0], height = spec.EventShape[1], width = spec.EventShape[2];

    /// <summary>Whether data of this shape are images: [C, H, W] in grey or in colour.</summary>
    public static bool Shows(FlowSpec spec) => spec.EventShape is [1 or 3, _, _];

    /// <summary>The columns that make about a square of so many images.</summary>
    public static int NearSquare(int images) => (int)Math.Ceiling(Math.Sqrt(images));

    /// <summary>Whether the picture has a size that viewers open.</summary>
    public bool Fits => Width(1) <= MostSide && Height(1) <= MostSide && Width(1) * Height(1) <= MostPixels;

    // The one image of a model that enlarges pictures is a picture itself, pixel for pixel.
    private bool IsPicture => images == 1 && spec.Context?.BlockMeans is not null;

    private int Margin => IsPicture ? 0 : Gap;

    private int Lines => (images + columns - 1) / columns;

    /// <summary>The PNG of the images, line by line; <paramref name="rows"/> are flat [images, C, H, W]. A pixel that is not finite is magenta.</summary>
    public byte[] Draw(ReadOnlySpan<float> rows)
    {
        int scale = Scale();
        var info = new SKImageInfo((int)Width(scale), (int)Height(scale), SKColorType.Rgba8888, SKAlphaType.Opaque);
        var pixels = new uint[info.Width * info.Height];
        Array.Fill(pixels, Packed(Background));
        int size = channels * height * width;
        for (int i = 0; i < images; i++)
        {
            int top = Margin + i / columns * (height * scale + Gap), left = Margin + i % columns * (width * scale + Gap);
            ReadOnlySpan<float> image = rows.Slice(i * size, size);
            for (int y = 0; y < height * scale; y++)
                for (int x = 0; x < width * scale; x++)
                    pixels[(top + y) * info.Width + left + x] = Color(image, y / scale * width + x / scale);
        }
        using SKImage picture = SKImage.FromPixelCopy(info, MemoryMarshal.AsBytes(pixels.AsSpan()));
        using SKData png = picture.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private uint Color(ReadOnlySpan<float> image, int pixel)
    {
        int plane = channels == 3 ? height * width : 0;
        float red = image[pixel], green = image[pixel + plane], blue = image[pixel + 2 * plane];
        return float.IsFinite(red) && float.IsFinite(green) && float.IsFinite(blue)
            ? Packed(new SKColor(range.Brightness(red), range.Brightness(green), range.Brightness(blue)))
            : Packed(NotFinite);
    }

    // The bytes R, G, B, A in this order.
    private static uint Packed(SKColor color) => color.Red | (uint)color.Green << 8 | (uint)color.Blue << 16 | 0xff000000;

    private int Scale()
    {
        int scale = IsPicture ? 1 : Math.Max(1, WantedSide / Math.Max(height, width));
        while (scale > 1 && (Width(scale) > MostSide || Height(scale) > MostSide || Width(scale) * Height(scale) > MostPixels))
            scale--;
        return scale;
    }

    private long Width(int scale) => 2 * Margin - Gap + (long)columns * (width * scale + Gap);

    private long Height(int scale) => 2 * Margin - Gap + (long)Lines * (height * scale + Gap);
}
