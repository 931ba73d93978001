using System.Buffers;
using System.Text;
using System.Text.Json;

namespace FlowService.Wire;

/// <summary>What is wrong with text that is not JSON.</summary>
internal static class JsonFault
{
    private const int Peek = 32;

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

    /// <summary>The parser's words with the place, counted from 1 as editors do.</summary>
    public static string Describe(JsonException e)
    {
        var text = new StringBuilder(e.Message);
        int place = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        if (place >= 0)
            text.Length = place;
        if (e.LineNumber is { } line)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $" (line {line + 1}, byte {e.BytePositionInLine + 1})");
        return text.ToString();
    }
}
