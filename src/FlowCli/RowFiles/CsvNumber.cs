using System.Globalization;
using FlowCore;

namespace FlowCli.RowFiles;

/// <summary>
/// Cells to numbers. In a file whose delimiter is not the comma a comma may be the decimal sign; the first number with a
/// fraction decides for the whole file, so that 1.234 is never read in two ways.
/// </summary>
internal sealed class CsvNumber(char delimiter)
{
    private char? decimalSign = delimiter == ',' ? '.' : null;

    /// <summary>Whether a first line's cell is data rather than a name.</summary>
    public static bool IsNumber(string cell) =>
        double.TryParse(cell.Replace(',', '.'), NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    /// <exception cref="FlowException">Not a finite number; the message starts with the place.</exception>
    public double Parse(string cell, Func<string> place)
    {
        ReadOnlySpan<char> text = cell.AsSpan().Trim();
        if (text.IsEmpty)
            throw new FlowException($"{place()}: is empty; every cell needs a number");
        bool comma = text.Contains(','), point = text.Contains('.');
        if (comma || point)
        {
            char sign = comma ? ',' : '.';
            if ((comma && point) || (decimalSign is { } usual && usual != sign))
                throw new FlowException(
                    $"{place()}: '{cell}' does not fit the file's decimal {(decimalSign == ',' ? "comma" : "point")}; thousands separators are not read");
            decimalSign = sign;
        }
        double value;
        bool read = comma
            ? double.TryParse(text.ToString().Replace(',', '.'), NumberStyles.Float, CultureInfo.InvariantCulture, out value)
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
        if (!read)
            throw new FlowException($"{place()}: '{cell}' is not a number");
        if (!float.IsFinite((float)value))
            throw new FlowException($"{place()}: '{cell}' is not a finite number of float32's range");
        return value;
    }
}
