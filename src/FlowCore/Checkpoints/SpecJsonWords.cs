using System.Globalization;
using System.Text.RegularExpressions;

namespace FlowCore.Checkpoints;

/// <summary>What the serializer says of a flow.json, in the words of who wrote the file: it speaks to the authors of classes.</summary>
internal static partial class SpecJsonWords
{
    public static string Of(string message)
    {
        if (message.StartsWith("'0xEF' is an invalid start", StringComparison.Ordinal))
            return "it begins with a byte order mark: write UTF-8 without one";
        Match place = Place().Match(message);
        string what = What(place.Success ? message[..place.Index] : message);
        if (!place.Success)
            return what;
        string field = place.Groups[1].Value.TrimStart('.');
        string line = (long.Parse(place.Groups[2].Value, CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture);
        return $"{(field.Length > 0 ? $"{field}: " : "")}{what} (line {line})";
    }

    private static string What(string said)
    {
        if (Unmapped().Match(said) is { Success: true } unmapped)
            return $"there is no field '{unmapped.Groups[1].Value}' here; remove it, or correct its name";
        if (Unconverted().Match(said) is { Success: true } unconverted)
            return $"must be {Kind(unconverted.Groups[1].Value)}";
        if (Missing().Match(said) is { Success: true } missing)
            return $"lacks {missing.Groups[1].Value}";
        if (Twice().Match(said) is { Success: true } twice)
            return $"the field '{twice.Groups[1].Value}' stands here twice";
        if (UnknownKind().Match(said) is { Success: true } unknown)
            return $"there is no kind '{unknown.Groups[1].Value}'";
        return said.Contains("type discriminator", StringComparison.Ordinal) ? "lacks its kind" : said;
    }

    private static string Kind(string type)
    {
        bool isList = type.Contains("[]", StringComparison.Ordinal) || type.Contains("List`1", StringComparison.Ordinal) || type.Contains("Array`1", StringComparison.Ordinal);
        (string one, string many) = type switch
        {
            _ when type.Contains("System.Int32", StringComparison.Ordinal) => ("a whole number of at most 32 bits", "whole numbers of at most 32 bits"),
            _ when type.Contains("Int64", StringComparison.Ordinal) => ("a whole number of at most 64 bits", "whole numbers of at most 64 bits"),
            _ when type.Contains("System.Double", StringComparison.Ordinal) => ("a number", "numbers"),
            _ when type.Contains("System.Boolean", StringComparison.Ordinal) => ("true or false", "true or false"),
            _ when type.Contains("System.String", StringComparison.Ordinal) => ("text", "texts"),
            _ => ("what this field takes: it is of another form, or a word that is not known", "what this field takes"),
        };
        return isList ? $"a list of {many}" : one;
    }

    [GeneratedRegex(@" Path: \$(\S*) \| LineNumber: (\d+) \|.*$", RegexOptions.Singleline)]
    private static partial Regex Place();

    [GeneratedRegex(@"^The JSON property '(.*)' could not be mapped", RegexOptions.Singleline)]
    private static partial Regex Unmapped();

    [GeneratedRegex(@"could not be converted to (\S+?)\.?$")]
    private static partial Regex Unconverted();

    [GeneratedRegex(@"missing required properties including: (.*?)\.?$")]
    private static partial Regex Missing();

    [GeneratedRegex(@"^Duplicate property '(.*)' encountered", RegexOptions.Singleline)]
    private static partial Regex Twice();

    [GeneratedRegex(@"unrecognized type discriminator id '(.*)'", RegexOptions.Singleline)]
    private static partial Regex UnknownKind();
}
