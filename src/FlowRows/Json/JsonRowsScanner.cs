using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FlowRows.Tables;

namespace FlowRows.Json;

/// <summary>
/// The fast lane of <see cref="JsonObjectParser{T}"/>: runs over the plain numbers of rows, <c>, 2], [3, 4</c>, in one piece of memory.
/// It judges nothing: at the first thing that is not a number in its place it stops, behind the last number, and the
/// JSON reader goes on from there.
/// </summary>
internal static class JsonRowsScanner
{
    private const int BlockLength = 64;

    // What may be read from a block's beginning on: a number that ends in it is read with the bytes behind it.
    private const int Readable = BlockLength + FloatText.LookedAt;

    /// <summary>Takes the numbers that follow a number of a row, and returns how many bytes they fill.</summary>
    public static int Scan(ReadOnlySpan<byte> text, RowTable<float> table)
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
    public static int Run(ReadOnlySpan<byte> text, Span<float> free, out int count)
    {
        count = 0;
        int taken = RunOfBlocks(text, free, ref count);
        return text.Length - taken < Readable && Is(text, taken, ',') ? taken + RunAtEnd(text[taken..], free, ref count) : taken;
    }

    private static int RunOfBlocks(ReadOnlySpan<byte> text, Span<float> free, ref int count)
    {
        int taken = 0;
        while (text.Length - taken >= Readable && text[taken] == ',' && count < free.Length)
        {
            int block = RunInBlock(ref Unsafe.Add(ref MemoryMarshal.GetReference(text), taken), free, ref count);
            if (block == 0)
                block = TakeOne(text[taken..], free, ref count);
            if (block == 0)
                break;
            taken += block;
        }
        return taken;
    }

    // With room behind it, which ends no number: one at the very end might go on.
    private static int RunAtEnd(ReadOnlySpan<byte> text, Span<float> free, ref int count)
    {
        Span<byte> copy = stackalloc byte[2 * Readable];
        text.CopyTo(copy);
        return RunOfBlocks(copy, free, ref count);
    }

    /// <summary>
    /// The numbers that are whole within a block, from a comma on: one look at all of its characters says where they stand, so that none
    /// waits for the one before it to be read.
    /// </summary>
    private static int RunInBlock(ref byte first, Span<float> free, ref int count)
    {
        Vector512<byte> block = Vector512.LoadUnsafe(ref first);
        ulong commas = Vector512.Equals(block, Vector512.Create((byte)',')).ExtractMostSignificantBits();
        ulong points = Vector512.Equals(block, Vector512.Create((byte)'.')).ExtractMostSignificantBits();
        ulong signs = Vector512.Equals(block, Vector512.Create((byte)'-')).ExtractMostSignificantBits() & (commas << 1);
        ulong others = Vector512.GreaterThan(block - Vector512.Create((byte)'0'), Vector512.Create((byte)9)).ExtractMostSignificantBits() & ~signs;
        int taken = 0, n = count;
        while (n < free.Length)
        {
            others &= others - 1; // the comma
            int point = BitOperations.TrailingZeroCount(others), end = point, start = taken + 1;
            if ((points & others & (0 - others)) != 0)
            {
                others &= others - 1;
                end = BitOperations.TrailingZeroCount(others);
            }
            uint sign = (uint)(signs >> start) & 1;
            if (end >= BlockLength || !EndsNumber(Unsafe.Add(ref first, end))
                || !FloatText.TryDecimal(ref first, start + (int)sign, point, end, sign, out float value))
                break;
            free[n++] = value;
            taken = end;
            if ((commas >> end & 1) == 0)
                break;
        }
        count = n;
        return taken;
    }

    private static int TakeOne(ReadOnlySpan<byte> text, Span<float> free, ref int count)
    {
        if (FloatText.ReadQuickly(text[1..], out float value) is not (> 0 and var length) || !EndsNumber(text[1 + length]))
            return 0;
        free[count++] = value;
        return 1 + length;
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
