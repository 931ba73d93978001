using System.Numerics;
using System.Runtime.CompilerServices;

namespace FlowRows.Csv;

/// <summary>
/// The numbers of a record in one pass over its bytes, as most records of tables are: plain decimals, without quotes or blanks. A record that is
/// anything else is left to <see cref="CsvNumbers"/>, cell by cell.
/// </summary>
/// <param name="wanted">The cells that are numbers, in the order in which they are wanted.</param>
/// <param name="kept">The cells that pass through.</param>
/// <param name="separator">What parts the cells.</param>
internal sealed class CsvQuickRow<T>(ReadOnlySpan<int> wanted, ReadOnlySpan<int> kept, byte separator)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const byte Quote = (byte)'"';

    private const int FewBytes = 256;

    // Where each cell's number goes, below 0 where nobody wants it: of the cells up to the last one that is wanted or passes through.
    private readonly int[] places = Places(wanted, kept);

    // The cells that pass through, where they are neighbours in their order.
    private readonly (int First, int Last) range = RangeOf(kept);

    private byte[] padded = new byte[FewBytes];

    /// <summary>The numbers, in the order in which they are wanted.</summary>
    public T[] Values { get; } = new T[wanted.Length];

    /// <summary>Reads a record that has as many cells as the first; false where it must be read with more care.</summary>
    /// <param name="records">It is the one at hand.</param>
    /// <param name="cells">The bytes of the cells that pass through, where they are CSV as it is written; else empty.</param>
    public bool TryRead(CsvRecords records, out ReadOnlySpan<byte> cells)
    {
        cells = default;
        ReadOnlySpan<byte> record = records.Raw;
        if (record.IsEmpty)
            return false;
        if (padded.Length < record.Length + FloatText.LookedBehind)
            padded = new byte[2 * record.Length + FewBytes];
        record.CopyTo(padded);
        padded[record.Length] = separator;
        ReadOnlySpan<byte> text = padded;
        int at = 0, from = 0, to = 0;
        bool isPlain = separator == ',';
        for (int column = 0; column < places.Length; column++)
        {
            int length = records.RawLength(column), place = places[column];
            if (place >= 0 && !TryNumber(text[at..], length, out Values[place]))
                return false;
            if (place < 0)
                isPlain &= IsPlain(text.Slice(at, length), isFirst: at == 0);
            from = column == range.First ? at : from;
            to = column == range.Last ? at + length : to;
            at += length + 1;
        }
        if (isPlain && range.Last >= 0)
            cells = record[from..to];
        return true;
    }

    // Not so where something would be trimmed or taken out of its quotes, or looks like a comment.
    private static bool IsPlain(ReadOnlySpan<byte> cell, bool isFirst) => cell.IsEmpty
        || (cell.IndexOf(Quote) < 0 && cell[0] is not ((byte)' ' or (byte)'\t') && cell[^1] is not ((byte)' ' or (byte)'\t') && !(isFirst && cell[0] == '#'));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryNumber(ReadOnlySpan<byte> text, int length, out T value)
    {
        if (typeof(T) == typeof(float))
        {
            bool isFloat = FloatText.TryRead(text, length, out float single);
            value = (T)(object)single;
            return isFloat;
        }
        bool isNumber = FloatText.TryRead(text, length, out double number);
        value = T.CreateTruncating(number);
        return isNumber;
    }

    private static int[] Places(ReadOnlySpan<int> wanted, ReadOnlySpan<int> kept)
    {
        int last = -1;
        foreach (int column in (int[])[.. wanted, .. kept])
            last = Math.Max(last, column);
        int[] places = new int[last + 1];
        Array.Fill(places, -1);
        for (int i = 0; i < wanted.Length; i++)
            places[wanted[i]] = i;
        return places;
    }

    private static (int First, int Last) RangeOf(ReadOnlySpan<int> kept)
    {
        for (int i = 1; i < kept.Length; i++)
            if (kept[i] != kept[i - 1] + 1)
                return (-1, -1);
        return kept.IsEmpty ? (-1, -1) : (kept[0], kept[^1]);
    }
}
