namespace FlowService.Startup;

/// <summary>The name that was probably meant: the one that the fewest letters make of what was written.</summary>
internal static class NearestName
{
    /// <summary>The nearest of some settings, or null where none is near. What stands behind the last colon may be all that was written.</summary>
    public static string? Of(string written, IEnumerable<string> known)
    {
        string plain = Plain(written);
        (string name, int distance) = known
            .Select(name => (Name: name, Distance: Math.Min(Distance(plain, Plain(name)), Distance(plain, Plain(name[(name.LastIndexOf(':') + 1)..])))))
            .MinBy(each => each.Distance);
        return distance <= Math.Max(1, plain.Length / 3) ? name : null;
    }

    /// <summary>How many letters must be put in, taken out or replaced (Levenshtein).</summary>
    public static int Distance(string from, string to)
    {
        int[] above = [.. Enumerable.Range(0, to.Length + 1)];
        foreach (char letter in from)
        {
            int diagonal = above[0]++;
            for (int i = 1; i <= to.Length; i++)
            {
                int replaced = diagonal + (letter == to[i - 1] ? 0 : 1);
                diagonal = above[i];
                above[i] = Math.Min(replaced, 1 + Math.Min(above[i], above[i - 1]));
            }
        }
        return above[^1];
    }

    // Neither capitals nor what stands between words is worth a suggestion of its own.
    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();
}
