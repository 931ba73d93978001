using System.Numerics;

namespace FlowRows.Csv;

/// <summary>
/// The texts of a column's numbers, of which those that come again are remembered: p-values and q-values have no more of them than there are
/// calibration rows. A column whose numbers do not come again is soon left alone.
/// </summary>
internal sealed class NumberTexts<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int PlaceBits = 12, Places = 1 << PlaceBits, TextBytes = 32, Tried = Places;

    private readonly ulong[] keys = new ulong[Places];

    // The length, and then the text.
    private readonly byte[] texts = new byte[Places * TextBytes];
    private int asked, found;

    /// <summary>The number, as many digits as bring it back; what is not finite as NumPy, pandas and R read it.</summary>
    public void Write(CsvText csv, T value)
    {
        if (asked == Tried && found < Tried / 2)
        {
            WriteAnew(csv, value);
            return;
        }
        ulong bits = typeof(T) == typeof(float)
            ? BitConverter.SingleToUInt32Bits(float.CreateTruncating(value))
            : BitConverter.DoubleToUInt64Bits(double.CreateTruncating(value));
        int place = (int)((bits * 0x9E3779B97F4A7C15) >> (64 - PlaceBits));
        Span<byte> text = texts.AsSpan(place * TextBytes, TextBytes);
        bool isKnown = text[0] > 0 && keys[place] == bits;
        if (asked < Tried)
            (asked, found) = (asked + 1, isKnown ? found + 1 : found);
        if (isKnown)
        {
            csv.Cells(text.Slice(1, text[0]));
            return;
        }
        int before = csv.Length;
        WriteAnew(csv, value);
        ReadOnlySpan<byte> written = csv.Written.Span[before..].TrimStart((byte)',');
        text[0] = 0;
        if (written.Length >= TextBytes)
            return;
        written.CopyTo(text[1..]);
        (keys[place], text[0]) = (bits, (byte)written.Length);
    }

    /// <summary>The number as <see cref="Write"/> writes it, whether or not it comes again.</summary>
    public static void WriteAnew(CsvText csv, T value)
    {
        if (!T.IsFinite(value))
            csv.Cell(T.IsNaN(value) ? "nan"u8 : value < T.Zero ? "-inf"u8 : "inf"u8);
        else if (typeof(T) == typeof(float))
            csv.Value((float)(object)value);
        else
            csv.Value(double.CreateTruncating(value));
    }
}
