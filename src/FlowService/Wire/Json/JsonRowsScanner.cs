using System.Runtime.CompilerServices;

namespace FlowService.Wire.Json;

/// <summary>
/// The fast lane of <see cref="JsonRequestParser"/>: runs over the plain numbers of rows, <c>, 2], [3, 4</c>, in one piece of memory.
/// It judges nothing: at the first thing that is not a number in its place it stops, behind the last number, and the
/// JSON reader goes on from there.
/// </summary>
internal static class JsonRowsScanner
{
    /// <summary>Takes the numbers that follow a number of a row, and returns how many bytes they fill.</summary>
    public static int Scan(ReadOnlySpan<byte> text, RowTable table)
    {
        int taken = 0;
        while (true)
        {
            taken += Run(text[taken..], table.Free, out int count);
            table.Advance(count);
            int i = Blanks(text, taken);
            bool rowEnds = Is(text, i, ']');
            if (rowEnds)
                i = Blanks(text, i + 1);
            if (!Is(text, i, ','))
                return taken;
            i = Blanks(text, i + 1);
            if (rowEnds)
            {
                if (!Is(text, i, '['))
                    return taken;
                i = Blanks(text, i + 1);
            }
            int length = i < text.Length ? FloatText.ReadQuickly(text[i..], out float value) : Nothing(out value);
            if (length == 0 || !EndsNumber(text[i + length]))
                return taken;
            if (rowEnds)
                table.EndRow();
            table.Append(value);
            taken = i + length;
        }
    }

    /// <summary>Takes the numbers of one list that stand behind commas without blanks, as most bodies are written; returns how many bytes they fill.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Run(ReadOnlySpan<byte> text, Span<float> free, out int count)
    {
        int taken = 0;
        count = 0;
        while (count < free.Length && Is(text, taken, ',')
            && FloatText.ReadQuickly(text[(taken + 1)..], out float next) is > 0 and var digits && EndsNumber(text[taken + 1 + digits]))
        {
            free[count++] = next;
            taken += 1 + digits;
        }
        return taken;
    }

    private static bool Is(ReadOnlySpan<byte> text, int i, char character) => i < text.Length && text[i] == character;

    private static bool EndsNumber(byte next) => next is (byte)',' or (byte)']' or (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';

    private static int Blanks(ReadOnlySpan<byte> text, int i)
    {
        while (i < text.Length && text[i] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
            i++;
        return i;
    }

    private static int Nothing(out float value)
    {
        value = 0;
        return 0;
    }
}
