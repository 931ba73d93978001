using SkiaSharp;

namespace FlowCli.Pictures;

/// <summary>A 2-D density as a heat map of p(x), with the data it was learned from beside it.</summary>
internal sealed class DensityPicture(Range x, Range y, string nameX, string nameY)
{
    private const int Left = 90, Top = 54, Bottom = 74, Between = 30, BarSpace = 96, PanelWidth = 640;
    private const double SteepestAspect = 3;

    // One evaluated cell for so many pixels; between the cells the picture is smooth.
    private const int Cell = 2;

    /// <summary>The rows (x, y) at the centres of the cells, from the top left, line by line.</summary>
    public double[] Grid()
    {
        var rows = new double[Columns * Lines * 2];
        for (int line = 0; line < Lines; line++)
        {
            for (int column = 0; column < Columns; column++)
            {
                int at = 2 * (line * Columns + column);
                rows[at] = x.Low + (column + 0.5) / Columns * x.Length;
                rows[at + 1] = y.High - (line + 0.5) / Lines * y.Length;
            }
        }
        return rows;
    }

    /// <summary>The PNG. <paramref name="logProb"/> belongs to the rows of <see cref="Grid"/>; points are rows (x, y), or none.</summary>
    public byte[] Draw(double[] logProb, double[]? points, string title)
    {
        int panels = points is null ? 1 : 2, width = Left + panels * PanelWidth + (panels - 1) * Between + BarSpace;
        using var bitmap = new SKBitmap(width, Top + PanelHeight + Bottom);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        if (points is not null)
            DrawPoints(canvas, new Panel(AreaAt(0), x, y), points);
        var panel = new Panel(AreaAt(panels - 1), x, y);
        double largest = Math.Exp(logProb.Where(double.IsFinite).DefaultIfEmpty(0).Max());
        DrawHeat(canvas, panel.Area, logProb, largest);
        panel.DrawAxes(canvas, title, nameX, panels == 1 ? nameY : null);
        DrawBar(canvas, panel.Area, largest);
        using SKImage image = SKImage.FromBitmap(bitmap);
        using SKData png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static int Columns => PanelWidth / Cell;

    private int Lines => PanelHeight / Cell;

    // One unit is as long on both axes, unless that makes a ribbon.
    private int PanelHeight
    {
        get
        {
            double aspect = y.Length / x.Length;
            return (int)(PanelWidth * (aspect is > SteepestAspect or < 1 / SteepestAspect ? 0.75 : Math.Min(aspect, 1.2)));
        }
    }

    private SKRect AreaAt(int panel) => SKRect.Create(Left + panel * (PanelWidth + Between), Top, PanelWidth, PanelHeight);

    private void DrawPoints(SKCanvas canvas, Panel panel, double[] points)
    {
        using var background = new SKPaint { Color = ColorMap.At(0) };
        canvas.DrawRect(panel.Area, background);
        int count = points.Length / 2;
        using var dot = new SKPaint { Color = ColorMap.At(0.82).WithAlpha((byte)Math.Clamp(400_000 / Math.Max(1, count), 40, 200)), IsAntialias = true };
        for (int i = 0; i < count; i++)
            canvas.DrawCircle(panel.Point(points[2 * i], points[2 * i + 1]), 1.7f, dot);
        panel.DrawAxes(canvas, $"data, {count} rows", nameX, nameY);
    }

    private void DrawHeat(SKCanvas canvas, SKRect area, double[] logProb, double largest)
    {
        using var heat = new SKBitmap(Columns, Lines);
        for (int line = 0; line < Lines; line++)
            for (int column = 0; column < Columns; column++)
                heat.SetPixel(column, line, ColorMap.At(Math.Exp(logProb[line * Columns + column]) / largest));
        canvas.DrawBitmap(heat, area, new SKSamplingOptions(SKCubicResampler.Mitchell));
    }

    private static void DrawBar(SKCanvas canvas, SKRect area, double largest)
    {
        SKRect bar = SKRect.Create(area.Right + 18, area.Top, 14, area.Height);
        using var paint = new SKPaint();
        for (int i = 0; i < (int)bar.Height; i++)
        {
            paint.Color = ColorMap.At(1 - (i + 0.5) / bar.Height);
            canvas.DrawRect(SKRect.Create(bar.Left, bar.Top + i, bar.Width, 1), paint);
        }
        using Lettering text = Panel.Text(14, SKTextAlign.Left);
        foreach (double tick in new Range(0, largest).Ticks(5))
            text.Draw(canvas, Panel.Label(tick), bar.Right + 7, (float)(bar.Bottom - tick / largest * bar.Height) + 5);
    }
}
