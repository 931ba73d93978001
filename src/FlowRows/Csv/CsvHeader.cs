using FlowRows.Tables;

namespace FlowRows.Csv;

/// <summary>
/// Whether the first line of CSV holds names. Text does, and numbers are a row; a line that may be either is refused, for a
/// wrong guess loses a row or invents one in silence. Whoever sends it can say which (RFC 4180, section 3).
/// </summary>
internal static class CsvHeader
{
    // As many rows under the first line are looked at, where it could be names.
    private const int Looked = 4;

    private const string Remedy = "say which: Content-Type: text/csv; header=present or header=absent, on the command line --header yes or --header no";

    /// <exception cref="RowFault">The first line may be names or numbers.</exception>
    public static async ValueTask<bool> IsHeaderAsync(CsvRecords records, RowLayout layout, CancellationToken cancellation)
    {
        RowLayout.CheckCount(records.Count);
        string[] first = [.. Enumerable.Range(0, records.Count).Select(records.Text)];
        int numbers = Enumerable.Range(0, first.Length).Count(i => CsvNumbers.IsNumber(records.Cell(i), records.Separator));
        if (numbers == 0)
            return true;
        bool areWanted = layout.AreWanted(first);
        if (numbers < first.Length)
            return areWanted ? true : throw Ambiguous("some of its cells are numbers and some are not");
        if (areWanted)
            throw Ambiguous("its numbers are the names of the model's columns");
        if (!AreCounts(records))
            return false;
        IReadOnlyList<CsvRecords.Record> rows = await records.PeekAsync(Looked + 1, cancellation);
        await records.ReadAsync(cancellation);
        if (rows.Count > 1 && first.Select((cell, i) => cell == $"{i}").All(same => same))
            throw Ambiguous($"it counts its columns, 0 to {first.Length - 1}, as programs do that write a header for columns without names");
        if (rows.Count > 2 && Enumerable.Range(0, first.Length).All(column => IsUnlike(rows, column)))
            throw Ambiguous("its numbers are unlike those of the rows under it");
        return false;
    }

    private static bool AreCounts(CsvRecords records)
    {
        for (int i = 0; i < records.Count; i++)
            if (!CsvNumbers.IsCount(records.Cell(i)))
                return false;
        return true;
    }

    // An integer above fractions, or a number far away from all those under it.
    private static bool IsUnlike(IReadOnlyList<CsvRecords.Record> rows, int column)
    {
        double least = double.PositiveInfinity, largest = double.NegativeInfinity;
        bool anyCount = false;
        foreach (CsvRecords.Record row in rows.Skip(1))
        {
            if (column >= row.Cells.Length || !double.TryParse(row.Cells[column].AsSpan(), out double value))
                return false;
            (least, largest) = (Math.Min(least, value), Math.Max(largest, value));
            anyCount |= CsvNumbers.IsCount(row.Cells[column]);
        }
        double first = double.Parse(rows[0].Cells[column].AsSpan()), spread = largest - least;
        return !anyCount || (spread > 0 && (first < least - 10 * spread || first > largest + 10 * spread));
    }

    private static RowFault Ambiguous(string why) => new(RowFaultKind.InvalidBody,
        $"the first line may be a header or a row: {why}; {Remedy}")
    { Field = "header", Row = 0 };
}
