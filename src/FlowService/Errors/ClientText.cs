namespace FlowService.Errors;

/// <summary>Text of the client's that an error message repeats.</summary>
internal static class ClientText
{
    private const int Longest = 80;

    /// <summary>The text, cut where it is long: a message must not become as long as a body.</summary>
    public static string Shown(this string text) => text.Length <= Longest ? text : string.Concat(text.AsSpan(0, Longest), "...");
}
