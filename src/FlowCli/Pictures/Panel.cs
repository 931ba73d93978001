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
            text.Draw(canvas, Label(tick), at.X, at.Y + TickLength + TextSize + 2);
        }
        text.Draw(canvas, nameX, Area.MidX, Area.Bottom + 2 * TextSize + 18);
        using var heading = Text(TextSize + 3, SKTextAlign.Left);
        heading.Draw(canvas, title, Area.Left, Area.Top - 12);
        if (nameY is null)
            return;
        using var right = Text(TextSize, SKTextAlign.Right);
        foreach (double tick in y.Ticks(5))
        {
            SKPoint at = Point(x.Low, tick);
            canvas.DrawLine(at.X - TickLength, at.Y, at.X, at.Y, line);
            right.Draw(canvas, Label(tick), at.X - TickLength - 4, at.Y + TextSize / 3);
        }
        right.Draw(canvas, nameY, Area.Left - 46, Area.MidY + TextSize / 3);
    }

    public static Lettering Text(float size, SKTextAlign align) => new(size, align, Ink);

    public static string Label(double value) => value.ToString("0.#####", CultureInfo.InvariantCulture);
}
