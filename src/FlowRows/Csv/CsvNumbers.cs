using System.Globalization;
using System.Numerics;

namespace FlowRows.Csv;

/// <summary>
/// Cells to numbers. Where the comma does not part the cells it may be the decimal sign; the first number with a fraction
/// decides for all, so that 1.234 is never read in two ways.
/// </summary>
internal sealed class CsvNumbers(char separator)
{
    private const int MostDigits = 128;

    // 0 until a number has shown it.
    private char decimalSign = separator == ',' ? '.' : '\0';

    /// <summary>Whether the decimal sign is known to be the point.</summary>
    public bool HasPoint => decimalSign == '.';

    /// <summary>Why a cell was not a number, where that is not plain to see.</summary>
    public string? Reason { get; private set; }

    public bool TryParse<T>(ReadOnlySpan<byte> cell, out T value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Reason = null;
        value = T.Zero;
        if (cell is [.., 0]) // .NET's parsers read over zeros at the end
            return false;
        if (separator == ',' || cell.IndexOfAny((byte)',', (byte)'.') < 0)
            return T.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
        bool comma = cell.Contains((byte)','), point = cell.Contains((byte)'.');
        char sign = comma ? ',' : '.';
        if ((comma && point) || (decimalSign != '\0' && decimalSign != sign))
        {
            Reason = $"does not fit the decimal {(decimalSign == ',' || (decimalSign == '\0' && comma) ? "comma" : "point")} of the numbers before it; "
                + "thousands separators are not read";
            return false;
        }
        if (!(comma ? TryParseComma(cell, out value) : T.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out value)))
            return false;
        decimalSign = sign;
        return true;
    }

    /// <summary>Whether a cell of the first line is a number rather than a name.</summary>
    public static bool IsNumber(ReadOnlySpan<byte> cell, char separator) => new CsvNumbers(separator).TryParse(cell, out double _);

    /// <summary>Whether a cell is digits alone, as the names are that programs give to columns without names.</summary>
    public static bool IsCount(ReadOnlySpan<byte> cell) => !cell.IsEmpty && cell.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;

    private static bool TryParseComma<T>(ReadOnlySpan<byte> cell, out T value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        value = T.Zero;
        if (cell.Length > MostDigits || cell.Count((byte)',') > 1)
            return false;
        Span<byte> pointed = stackalloc byte[cell.Length];
        cell.CopyTo(pointed);
        pointed[cell.IndexOf((byte)',')] = (byte)'.';
        return T.TryParse(pointed, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }
}
