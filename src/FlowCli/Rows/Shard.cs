using System.Globalization;
using FlowCore;

namespace FlowCli.Rows;

/// <summary>One of <paramref name="Count"/> successive parts of a file's rows, counted from 0: the parts in order are the whole.</summary>
internal readonly record struct Shard(int Index, int Count)
{
    /// <summary>The first row of the part, and the first behind it.</summary>
    /// <param name="rows">The rows of the file.</param>
    /// <param name="step">Parts begin at multiples of it.</param>
    /// <exception cref="FlowException">The part is empty.</exception>
    public (long First, long End) Of(long rows, int step)
    {
        long steps = (rows + step - 1) / step;
        (long first, long end) = (Math.Min(rows, steps * Index / Count * step), Math.Min(rows, steps * (Index + 1) / Count * step));
        return first < end ? (first, end) : throw new FlowException($"--shard: part {this} of {rows} rows is empty; cut them into fewer parts");
    }

    /// <summary>Reads <c>i/n</c>; null where it is none.</summary>
    public static Shard? Parse(string text)
    {
        string[] parts = text.Split('/');
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count) && index < count
            ? new(index, count)
            : null;
    }

    public override string ToString() => $"{Index}/{Count}";
}
