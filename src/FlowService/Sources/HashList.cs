using System.Security.Cryptography;
using System.Text;

namespace FlowService.Sources;

/// <summary>Files and their hashes in the form of sha256sum: each line has 64 hexadecimal digits, a space, a space or a star, and a path.</summary>
internal static class HashList
{
    public const string FileName = "SHA256SUMS";

    /// <summary>The most bytes of such a list.</summary>
    public const int LongestList = 4 << 20;

    private const int Digits = 64;

    /// <summary>Reads a list.</summary>
    /// <exception cref="SourceException">A line is none of these; its number is named.</exception>
    public static IReadOnlyList<(string Path, string Sha256)> Read(string text, string where)
    {
        var files = new List<(string, string)>();
        string[] lines = text.Split('\n', StringSplitOptions.TrimEntries);
        for (int i = 0; i < lines.Length; i++)
            if (lines[i].Length > 0)
                files.Add(lines[i] is { Length: > Digits + 2 } line && line[..Digits].All(char.IsAsciiHexDigit) && line[Digits] == ' ' && line[Digits + 1] is ' ' or '*'
                    ? (lines[i][(Digits + 2)..], lines[i][..Digits].ToLowerInvariant())
                    : throw new SourceException($"line {i + 1} of {where} is not as sha256sum writes it (HASH, two spaces, PATH); write it with `sha256sum */*/* > {FileName}`"));
        return files;
    }

    /// <summary>One hash over all that is said of some files, in whatever order.</summary>
    public static string Over(IEnumerable<string> facts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', facts.Order(StringComparer.Ordinal)))));
}
