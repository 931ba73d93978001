using System.Globalization;
using SkiaSharp;

namespace FlowCli.Pictures;

/// <summary>A rectangle of a picture with an x and a y axis: where a value lies, and how the axes are drawn.</summary>
internal sealed class Panel(SKRect area, Range x, Range y)
{
    private const float TickLength = 5, TextSize = 15;

    private static readonly SKColor Ink = new(0x3c, 0x3f, 0x4a);

    public SKRect Area { get; } = area;

    public SKPoint Point(double atX, double atY) => new(
        (float)(Area.Left + (atX - x.Low) / x.Length * Area.Width),
        (float)(Area.Bottom - (atY - y.Low) / y.Length * Area.Height));

    public void DrawAxes(SKCanvas canvas, string title, string nameX, string? nameY)
    {
        using var line = new SKPaint { Color = Ink, StrokeWidth = 1, IsAntialias = true };
        using var text = Text(TextSize, SKTextAlign.Center);
        foreach (double tick in x.Ticks(6))
        {
            SKPoint at = Point(tick, y.Low);
            canvas.DrawLine(at.X, at.Y, at.X, at.Y + TickLength, line);
            canvas.DrawText(Label(tick), at.X, at.Y + TickLength + TextSize + 2, text);
        }
        canvas.DrawText(nameX, Area.MidX, Area.Bottom + 2 * TextSize + 18, text);
        using var heading = Text(TextSize + 3, SKTextAlign.Left);
        canvas.DrawText(title, Area.Left, Area.Top - 12, heading);
        if (nameY is null)
            return;
        using var right = Text(TextSize, SKTextAlign.Right);
        foreach (double tick in y.Ticks(5))
        {
            SKPoint at = Point(x.Low, tick);
            canvas.DrawLine(at.X - TickLength, at.Y, at.X, at.Y, line);
            canvas.DrawText(Label(tick), at.X - TickLength - 4, at.Y + TextSize / 3, right);
        }
        canvas.DrawText(nameY, Area.Left - 46, Area.MidY + TextSize / 3, right);
    }

    /// <summary>Text in the system's own sans serif; where a machine has no fonts at all, the picture does without words.</summary>
    public static SKPaint Text(float size, SKTextAlign align) => new()
    {
        Color = Ink,
        TextSize = size,
        IsAntialias = true,
        TextAlign = align,
        Typeface = SKTypeface.FromFamilyName("DejaVu Sans"),
    };

    public static string Label(double value) => value.ToString("0.#####", CultureInfo.InvariantCulture);
}
