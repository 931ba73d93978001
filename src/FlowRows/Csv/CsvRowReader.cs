using System.Numerics;
using System.Text;
using CsvHelper;
using FlowRows.Tables;

namespace FlowRows.Csv;

/// <summary>Rows of CSV: each cell's bytes to a number, without a string between them. Cells that nobody wants are not looked at.</summary>
internal sealed class CsvRowReader<T> : RowReader<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CsvRecords records;
    private readonly CsvNumbers numbers;
    private readonly string[] names;
    private readonly bool hasHeader;
    private readonly int width;
    private readonly CsvQuickRow<T>? quick;
    private readonly CsvText cells = new();
    private Task<bool>? ahead;

    private CsvRowReader(CsvRecords records, RowSource source, bool hasHeader) : base(source)
    {
        (this.records, this.hasHeader, width) = (records, hasHeader, records.Count);
        numbers = new CsvNumbers(records.Separator);
        names = [.. Enumerable.Range(0, width).Select(i => hasHeader ? records.Name(i) : $"{i + 1}")];
        Columns = hasHeader ? source.Layout.Named(names) : source.Layout.Unnamed(width);
        ahead = hasHeader ? null : Task.FromResult(true);
        int[] wanted = [.. Columns.Values, .. Columns.Context];
        bool areNumbers = Columns.Context.Length == 0 || source.Layout.Categories is null;
        quick = areNumbers && wanted.Distinct().Count() == wanted.Length ? new(wanted, Columns.Kept, (byte)records.Separator) : null;
    }

    public override RowColumns Columns { get; }

    public override IReadOnlyList<string>? Names => hasHeader ? names : null;

    /// <summary>Reads the first record, and finds out whether it is a header.</summary>
    public static async ValueTask<CsvRowReader<T>> OpenAsync(CsvReader csv, RowSource source, CancellationToken cancellation)
    {
        var records = new CsvRecords(csv);
        try
        {
            if (!await records.ReadAsync(cancellation))
                throw Invalid("the body is empty; send rows, under a line with the columns' names");
            return new(records, source, source.Header ?? await CsvHeader.IsHeaderAsync(records, source.Layout, cancellation));
        }
        catch (CsvFormatException e)
        {
            throw CsvFormat.Refusal("the body", e);
        }
    }

    protected override async ValueTask FillAsync(RowBlock<T> block, int most, CancellationToken cancellation)
    {
        CsvLines? kept = Columns.Kept.Length > 0 ? new(Source.Pool) : null;
        try
        {
            while (block.Rows < most)
            {
                ahead ??= records.ReadAsync(cancellation).AsTask();
                if (!ahead.IsCompleted && block.Rows > 0 && !Waits)
                    break; // what has arrived is computed while the next rows are on their way
                if (!await ahead)
                    break;
                ahead = null;
                Take(block, kept);
                if (kept is { IsFull: true })
                    kept = Keep(block, kept, new(Source.Pool));
            }
            kept = kept is null ? null : Keep(block, kept, null);
        }
        catch (CsvFormatException e)
        {
            throw CsvFormat.Refusal($"row {RowsRead + block.Rows} of the body", e);
        }
        finally
        {
            kept?.Dispose();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await records.DisposeAsync();
        await base.DisposeAsync();
    }

    private void Take(RowBlock<T> block, CsvLines? kept)
    {
        ReadOnlySpan<byte> line = default;
        if (records.Count != width)
            WrongWidth(block);
        else if (quick is not null && (records.Separator == ',' || numbers.HasPoint) && quick.TryRead(records, out line))
        {
            int values = Columns.Values.Length;
            block.Values?.AppendRow(quick.Values.AsSpan(0, values));
            block.Context?.AppendRow(quick.Values.AsSpan(values));
            kept?.Add(line.IsEmpty ? Line() : line);
            return;
        }
        Take(Columns.Values, block.Values);
        block.Context?.Categories = Source.Layout.Categories;
        Take(Columns.Context, block.Context);
        kept?.Add(Line());
    }

    // The cells that pass through, written as CSV is.
    private ReadOnlySpan<byte> Line()
    {
        cells.Clear();
        foreach (int column in Columns.Kept)
            cells.Cell(column < records.Count ? records.Cell(column) : default);
        return cells.Written.Span;
    }

    private void Take(int[] wanted, RowTable<T>? table)
    {
        if (table is null)
            return;
        int categories = table.Categories?.Columns ?? 0;
        for (int i = 0; i < categories; i++)
            table.AppendCategory(i, wanted[i] < records.Count && !records.Cell(wanted[i]).IsEmpty ? CategoryCodes.TextOf(records.Cell(wanted[i])) : null);
        foreach (int column in wanted.AsSpan(categories))
            if (column < records.Count && numbers.TryParse(records.Cell(column), out T value) && T.IsFinite(value))
                table.Append(value);
            else if (table.MayLack && IsMissing(column))
                table.Append(T.NaN);
            else
                table.Refuse(() => NoNumber(column, table));
        table.EndRow();
    }

    // As pandas, R and NumPy write it.
    private bool IsMissing(int column) => column < records.Count
        && (records.Cell(column).IsEmpty || records.Cell(column).SequenceEqual("NA"u8) || Ascii.EqualsIgnoreCase(records.Cell(column), "nan"u8)
            || Ascii.EqualsIgnoreCase(records.Cell(column), "null"u8));

    private RowFault NoNumber(int column, RowTable<T> table)
    {
        ReadOnlySpan<byte> cell = column < records.Count ? records.Cell(column) : default;
        string problem = cell.IsEmpty ? "is empty" : $"is '{Encoding.UTF8.GetString(cell).Shown()}'";
        long row = table.First + table.Rows;
        string name = hasHeader ? $"column '{names[column].Shown()}'" : $"column {names[column]}";
        return new(RowFaultKind.InvalidValue,
            $"{table.Name}: row {row}, {name} {problem}{(numbers.Reason is { } reason ? $", which {reason}" : "")}; each value must be a finite number (line {records.Line})")
        { Field = table.Name, Row = row, Column = table.Column };
    }

    private void WrongWidth(RowBlock<T> block)
    {
        int at = block.Rows;
        if (block.Errors is { Suffice: true })
        {
            block.Errors.Add(at);
            return;
        }
        string detail = $"row {RowsRead + at} of the body has {records.Count} cells, the first line has {width} (line {records.Line})";
        if (block.Errors is null)
            throw new RowFault(RowFaultKind.InvalidBody, detail) { Row = RowsRead + at };
        block.Errors.Add(at, detail);
    }

    private CsvLines? Keep(RowBlock<T> block, CsvLines kept, CsvLines? next)
    {
        block.Kept ??= new KeptColumns([0]) { LineNames = [.. Columns.Kept.Select(column => names[column])] };
        kept.AddTo(block.Kept);
        return next;
    }
}
