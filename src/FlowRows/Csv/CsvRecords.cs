using System.Text;
using System.Text.Unicode;
using CsvHelper;

namespace FlowRows.Csv;

/// <summary>The records of CSV, without blank lines, of which some may be looked at before their turn.</summary>
internal sealed class CsvRecords(CsvReader csv) : IAsyncDisposable
{
    private readonly Queue<Record> ahead = [];
    private readonly Rowless blanks = Rowless.BlankLines();
    private Record? current;
    private long blank;
    private bool any;

    public char Separator => csv.Separator;

    /// <summary>The number of cells in the record.</summary>
    public int Count => current?.Cells.Length ?? csv.FieldCount;

    /// <summary>The line in which the record begins, counted from 1.</summary>
    public long Line => current?.Line ?? csv.LineNumber;

    /// <summary>A cell of the record; valid until the next one is read.</summary>
    public ReadOnlySpan<byte> Cell(int index) => current is null ? csv.GetSpan(index) : current.Cells[index];

    /// <summary>The record's bytes as they were read, without the line's end; empty where they are not at hand.</summary>
    public ReadOnlySpan<byte> Raw => current is null ? csv.RawRecord : default;

    /// <summary>The length of a cell among these bytes.</summary>
    public int RawLength(int index) => csv.GetRawSpan(index).Length;

    public string Text(int index) => Encoding.UTF8.GetString(Cell(index));

    /// <summary>A cell as the name of a column.</summary>
    /// <exception cref="RowFault">It is in another encoding, of which two names may look alike.</exception>
    public string Name(int index) => Utf8.IsValid(Cell(index)) ? Text(index) : throw new RowFault(RowFaultKind.InvalidBody,
        $"the first line is not UTF-8: the name of column {index + 1} reads '{Text(index).Shown()}'; save the file as UTF-8")
    { Field = "header" };

    /// <summary>Reads the next record; false at the end.</summary>
    /// <exception cref="CsvFormatException">The quotes of one do not end.</exception>
    public ValueTask<bool> ReadAsync(CancellationToken cancellation)
    {
        if (ahead.TryDequeue(out current))
            return ValueTask.FromResult(true);
        ValueTask<bool> read = csv.ReadAsync(cancellation);
        if (!read.IsCompletedSuccessfully)
            return PassBlankAsync(read, cancellation);
        bool isRead = read.Result;
        return isRead && IsBlank() ? PassBlankAsync(new(isRead), cancellation) : new(CheckBlank(isRead));
    }

    /// <summary>Puts copies of up to so many records aside, the one at hand first; they are read again.</summary>
    public async ValueTask<IReadOnlyList<Record>> PeekAsync(int most, CancellationToken cancellation)
    {
        do
            ahead.Enqueue(new Record([.. Enumerable.Range(0, Count).Select(i => Cell(i).ToArray())], Line));
        while (ahead.Count < most && await PassBlankAsync(csv.ReadAsync(cancellation), cancellation));
        return [.. ahead];
    }

    public ValueTask DisposeAsync() => csv.DisposeAsync();

    private bool IsBlank() => csv.FieldCount <= 1 && csv.GetRawSpan(0).IndexOfAnyExcept((byte)' ', (byte)'\t') < 0;

    private async ValueTask<bool> PassBlankAsync(ValueTask<bool> read, CancellationToken cancellation)
    {
        bool isRead = await read;
        while (isRead && IsBlank())
        {
            blanks.Pass();
            blank = blank == 0 ? csv.LineNumber : blank;
            isRead = await csv.ReadAsync(cancellation);
        }
        return CheckBlank(isRead);
    }

    // Among rows of one cell a blank line may be a missing value, and is not passed over.
    private bool CheckBlank(bool isRead)
    {
        if (isRead && any && blank > 0 && csv.FieldCount == 1)
            throw new RowFault(RowFaultKind.InvalidValue, $"line {blank} is empty; each row needs a value");
        (blank, any) = (0, true);
        blanks.Rows(1);
        return isRead;
    }

    /// <summary>A record apart from its reader.</summary>
    internal sealed record Record(byte[][] Cells, long Line);
}
