using SkiaSharp;

namespace FlowCli.Pictures;

/// <summary>
/// From ink over violet and coral to cream: hues are blended in the OKLab space (Ottosson 2020) and the lightness grows evenly,
/// so that equal steps of a value look like equal steps.
/// </summary>
internal static class ColorMap
{
    private const double Darkest = 0.16, Lightest = 0.97;

    private static readonly (double A, double B)[] Hues =
        [.. new uint[] { 0x0d0b24, 0x3b1d78, 0x8a2c86, 0xd9505f, 0xf6a04d, 0xfdf2c4 }.Select(HueOf)];

    /// <summary>The colour of a value in [0, 1]; what lies outside is taken to the nearer end.</summary>
    public static SKColor At(double value)
    {
        double t = Math.Clamp(double.IsNaN(value) ? 0 : value, 0, 1);
        double place = t * (Hues.Length - 1);
        int low = Math.Min((int)place, Hues.Length - 2);
        double share = place - low;
        double a = Hues[low].A + share * (Hues[low + 1].A - Hues[low].A);
        double b = Hues[low].B + share * (Hues[low + 1].B - Hues[low].B);
        return ToColor(Darkest + t * (Lightest - Darkest), a, b);
    }

    private static (double A, double B) HueOf(uint rgb)
    {
        double r = Linear((rgb >> 16) & 255), g = Linear((rgb >> 8) & 255), blue = Linear(rgb & 255);
        double l = Math.Cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * blue);
        double m = Math.Cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * blue);
        double s = Math.Cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * blue);
        return (1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s);
    }

    private static SKColor ToColor(double lightness, double a, double b)
    {
        double l = Math.Pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
        double m = Math.Pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
        double s = Math.Pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
        return new SKColor(
            Byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
            Byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
            Byte(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
    }

    // The transfer curve of sRGB, IEC 61966-2-1.
    private static double Linear(uint channel)
    {
        double value = channel / 255.0;
        return value <= 0.04045 ? value / 12.92 : Math.Pow((value + 0.055) / 1.055, 2.4);
    }

    private static byte Byte(double linear)
    {
        double value = Math.Clamp(linear, 0, 1);
        return (byte)Math.Round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * Math.Pow(value, 1 / 2.4) - 0.055));
    }
}
