using System.Globalization;
using System.Text;

namespace FlowRows;

/// <summary>Foreign text that a message repeats.</summary>
internal static class ShownText
{
    private const int Longest = 80;

    /// <summary>The text, cut where it is long and in one line: a message must not become as long as a body.</summary>
    public static string Shown(this string text) =>
        (text.Length <= Longest ? text : string.Concat(text.AsSpan(0, Longest), "...")).OneLine();

    /// <summary>The whole text in one line, without the codes that a terminal would obey, and those that turn the direction of reading.</summary>
    public static string OneLine(this string text) => text.AsSpan().ContainsAnyExceptInRange(' ', '~') ? Printable(text) : text;

    private static string Printable(string text)
    {
        var printable = new StringBuilder(text.Length);
        foreach (char c in text)
            printable.Append(char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? ' ' : c);
        return printable.ToString();
    }

    /// <summary>The first names of a list, and how many more there are.</summary>
    public static string Listed(this IReadOnlyCollection<string> names, int most = 8) =>
        names.Count <= most ? string.Join(", ", names) : $"{string.Join(", ", names.Take(most))} and {names.Count - most} more";
}
