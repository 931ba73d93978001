using System.Globalization;
using System.Text.RegularExpressions;

namespace FlowCli;

/// <summary>Spans of time as people type them: 90s, 5m, 1h30m, or a number of seconds.</summary>
internal static partial class Duration
{
    public static bool TryParse(string text, out TimeSpan span)
    {
        span = default;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds))
        {
            span = TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.MaxValue.TotalSeconds / 2));
            return seconds > 0;
        }
        Match match = Parts().Match(text);
        if (!match.Success || text.Length == 0)
            return false;
        span = TimeSpan.FromHours(Part(match, 1)) + TimeSpan.FromMinutes(Part(match, 2)) + TimeSpan.FromSeconds(Part(match, 3));
        return span > TimeSpan.Zero;
    }

    public static string Format(TimeSpan span) => span.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours}h {span.Minutes:00}m")
        : span.TotalMinutes >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{span.Minutes}m {span.Seconds:00}s")
            : string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:F0}s");

    private static double Part(Match match, int group) =>
        match.Groups[group].Success ? double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"^(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?$")]
    private static partial Regex Parts();
}
