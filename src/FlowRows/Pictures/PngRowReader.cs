using System.Numerics;
using FlowRows.Tables;
using SkiaSharp;

namespace FlowRows.Pictures;

/// <summary>
/// The pixels of a PNG as the values of one row, channel by channel. Its size is looked at before it is decoded: a small file may say
/// that it is a picture of any size.
/// </summary>
internal sealed class PngRowReader<T> : RowReader<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Behind width and height (PNG, third edition, section 11.2.1).
    private const int BitsAt = 24, MostBits = 8;

    private readonly SKColor[] pixels;
    private readonly PictureShape shape;

    public PngRowReader(byte[] png, RowSource source) : base(source)
    {
        RowLayout layout = source.Layout;
        shape = layout.Picture ?? throw Refused($"{layout.Field}: a row of model '{layout.Model}' is not a picture of one or three channels; send its numbers", layout.Field);
        Columns = layout.Shaped([shape.Channels, shape.Height, shape.Width], channelsLast: false);
        if (png.Length == 0)
            throw Invalid("the body is empty; it should be a PNG");
        using var data = SKData.CreateCopy(png);
        using SKCodec codec = SKCodec.Create(data) is { EncodedFormat: SKEncodedImageFormat.Png } found ? found : throw Invalid("the body is no PNG that can be read");
        if (codec.Info.Width != shape.Width || codec.Info.Height != shape.Height)
            throw Refused($"{layout.Field}: the picture has {codec.Info.Width} x {codec.Info.Height} pixels (width x height), model '{layout.Model}' takes {shape.Width} x {shape.Height}", layout.Field);
        if (png[BitsAt] > MostBits)
            throw Refused($"{layout.Field}: the picture has {png[BitsAt]} bits a channel; {MostBits} are read: save it so, or send its numbers", layout.Field);
        using var picture = new SKBitmap(codec.Info.WithColorType(SKColorType.Rgba8888).WithAlphaType(SKAlphaType.Unpremul));
        if (codec.GetPixels(picture.Info, picture.GetPixels()) != SKCodecResult.Success)
            throw Invalid("the PNG ends within its pixels, or is damaged");
        pixels = picture.Pixels;
        if (pixels.Any(pixel => pixel.Alpha != byte.MaxValue))
            throw Refused($"{layout.Field}: the picture has transparent pixels; put it on a background first", layout.Field);
        if (shape.Channels == 1 && pixels.Any(pixel => pixel.Red != pixel.Green || pixel.Red != pixel.Blue))
            throw Refused($"{layout.Field}: the picture is in colour, model '{layout.Model}' takes grey ones; convert it first", layout.Field);
    }

    public override RowColumns Columns { get; }

    public override long? Rows => 1;

    protected override ValueTask FillAsync(RowBlock<T> block, int most, CancellationToken cancellation)
    {
        if (RowsRead > 0 || block.Rows > 0)
            return ValueTask.CompletedTask;
        RowTable<T> table = (block.Values ?? block.Context)!;
        Span<T> values = table.Reserve(shape.Channels * pixels.Length);
        for (int pixel = 0; pixel < pixels.Length; pixel++)
        {
            SKColor color = pixels[pixel];
            values[pixel] = Value(color.Red);
            if (shape.Channels == 3)
                (values[pixel + pixels.Length], values[pixel + 2 * pixels.Length]) = (Value(color.Green), Value(color.Blue));
        }
        table.AdvanceRows(1, values.Length);
        return ValueTask.CompletedTask;
    }

    private T Value(byte brightness) => T.CreateTruncating(shape.Range.Value(brightness));

    private static RowFault Refused(string detail, string field) => new(RowFaultKind.WrongWidth, detail) { Field = field };
}
