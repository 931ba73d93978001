using System.Buffers;
using System.IO.Pipelines;

namespace FlowRows.Csv;

/// <summary>What parts the cells of CSV.</summary>
internal static class CsvSeparator
{
    private const int MostBytes = 1 << 16;

    /// <summary>
    /// The separator of the first line that is not blank: a tab where there is one, else a semicolon, else a bar, else the comma. Quoted
    /// text does not count. A comma beside another separator is a decimal comma. Null where the text is in UTF-16, which is left to the reader of cells.
    /// </summary>
    public static async ValueTask<char?> OfAsync(PipeReader body, CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult read = await body.ReadAsync(cancellation);
            bool isLast = read.IsCompleted || read.Buffer.Length >= MostBytes;
            ReadOnlySequence<byte> start = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, MostBytes));
            bool known = TryFind(start.IsSingleSegment ? start.FirstSpan : start.ToArray(), isLast, out char? separator);
            // Where the whole start was looked at in vain, the pipe must wait for more before it answers again.
            body.AdvanceTo(read.Buffer.Start, known ? read.Buffer.Start : read.Buffer.End);
            if (known)
                return separator;
        }
    }

    private static bool TryFind(ReadOnlySpan<byte> text, bool isLast, out char? separator)
    {
        separator = null;
        if (text is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
            return true;
        bool quoted = false, semicolon = false, bar = false, any = false;
        foreach (byte c in text)
        {
            if (c == '"')
                quoted = !quoted;
            else if (quoted)
                continue;
            else if (c is (byte)'\n' or (byte)'\r')
            {
                if (any)
                    return Found(semicolon, bar, out separator);
            }
            else if (c == '\t')
            {
                separator = '\t';
                return true;
            }
            semicolon |= c == ';';
            bar |= c == '|';
            any |= c is not ((byte)' ' or (byte)'\n' or (byte)'\r');
        }
        return isLast && Found(semicolon, bar, out separator);
    }

    private static bool Found(bool semicolon, bool bar, out char? separator)
    {
        separator = semicolon ? ';' : bar ? '|' : ',';
        return true;
    }
}
