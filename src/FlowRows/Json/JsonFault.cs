using System.Buffers;
using System.Text.Json;

namespace FlowRows.Json;

/// <summary>What is wrong with text that is not JSON.</summary>
internal static class JsonFault
{
    private const int Peek = 32;

    private const string Utf16 = "It begins with a byte order mark of UTF-16: send UTF-8 without one.";

    /// <summary>The NaN or infinity that the text begins with after blanks and a comma, or null.</summary>
    public static string? NonFiniteLiteral(in ReadOnlySequence<byte> text)
    {
        Span<byte> head = stackalloc byte[(int)Math.Min(Peek, text.Length)];
        text.Slice(0, head.Length).CopyTo(head);
        ReadOnlySpan<byte> word = head.TrimStart(" \t\r\n,"u8);
        if (word is [(byte)'N', ..])
            return "NaN";
        if (word is [(byte)'I', ..])
            return "Infinity";
        return word is [(byte)'-', (byte)'I', ..] ? "-Infinity" : null;
    }

    /// <summary>The parser's words with the place in the body. Its own line numbers are not used: it does not see every byte.</summary>
    public static string Describe(JsonException e, long offset)
    {
        string words = Words(e);
        if (words.Contains("does not contain any JSON tokens", StringComparison.Ordinal))
            return "the body is empty; send JSON";
        return $"{words} (near byte {offset} of the body)";
    }

    /// <summary>The parser's words without its places, and without its advice, which is for programmers.</summary>
    public static string Words(JsonException e)
    {
        int place = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string words = place < 0 ? e.Message : e.Message[..place];
        return words.Replace(" Change the reader options.", "", StringComparison.Ordinal).Replace(" in this mode", "", StringComparison.Ordinal)
            .Replace("'0xEF' is an invalid start of a value.", "It begins with a byte order mark: send UTF-8 without one.", StringComparison.Ordinal)
            .Replace("'0xFF' is an invalid start of a value.", Utf16, StringComparison.Ordinal).Replace("'0xFE' is an invalid start of a value.", Utf16, StringComparison.Ordinal);
    }
}
