using SkiaSharp;

namespace FlowCli.Pictures;

/// <summary>Text in the system's own sans serif; where a machine has no fonts at all, the picture does without words.</summary>
internal sealed class Lettering(float size, SKTextAlign align, SKColor color) : IDisposable
{
    private readonly SKFont font = new(SKTypeface.FromFamilyName("DejaVu Sans"), size);
    private readonly SKPaint paint = new() { Color = color, IsAntialias = true };

    public void Draw(SKCanvas canvas, string text, float x, float y) => canvas.DrawText(text, x, y, align, font, paint);

    public void Dispose()
    {
        font.Dispose();
        paint.Dispose();
    }
}
