using System.IO.Pipelines;
using System.Numerics;
using Apache.Arrow;
using FlowRows.Answers;
using FlowRows.Scoring;
using FlowRows.Tables;

namespace FlowRows.Csv;

/// <summary>
/// An answer as CSV: the columns that are passed on, then the answer's, as many digits as bring the same number back. What is not
/// finite is written as NumPy, pandas and R read it.
/// </summary>
internal sealed class CsvAnswerWriter<T>(PipeWriter body, bool hasHeader) : AnswerWriter<T>(body), IUnrankedWriter<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Streams to files take as much without a buffer of their own.
    private const int SentBytes = 1 << 16;

    // While the bytes of one are sent, the next rows are written to the other.
    private CsvText csv = new(), sent = new();
    private Task sending = Task.CompletedTask;
    private NumberTexts<T>[]? texts;

    // Of rows that are laid aside, where their q-values belong.
    private CsvGaps? gaps;

    public override async ValueTask WriteAsync(Answer<T> part, CancellationToken cancellation)
    {
        IArrowArray[] kept = Begin(part);
        for (int row = 0; row < part.Rows;)
        {
            do
                WriteRow(part, kept, row++);
            while (row < part.Rows && csv.Length < SentBytes);
            await SendAsync(cancellation);
        }
        await sending;
    }

    public async ValueTask LayAsideAsync(Answer<T> part, Stream aside, CancellationToken cancellation)
    {
        gaps ??= new();
        IArrowArray[] kept = Begin(part);
        for (int row = 0; row < part.Rows;)
        {
            do
                WriteRow(part, kept, row++);
            while (row < part.Rows && csv.Length < SentBytes);
            await gaps.WriteAsync(csv.Written, aside, cancellation);
            csv.Clear();
        }
    }

    public async ValueTask WriteLaidAsideAsync(Stream aside, RankedRows ranked, CancellationToken cancellation)
    {
        var found = new QTexts<T>(ranked);
        while (gaps?.Read(aside) is true)
        {
            gaps.Fill(csv, found);
            await SendAsync(cancellation);
        }
        await sending;
    }

    private async ValueTask SendAsync(CancellationToken cancellation)
    {
        await sending;
        (csv, sent) = (sent, csv);
        ReadOnlyMemory<byte> bytes = sent.Written;
        sending = Task.Run(() => Body.WriteAsync(bytes, cancellation).AsTask(), cancellation);
        csv.Clear();
    }

    /// <summary>The columns that are passed on; before the first part, the header.</summary>
    private IArrowArray[] Begin(Answer<T> part)
    {
        KeptTypes.Check(part.Kept, "text/csv");
        if (texts is null && hasHeader)
            WriteHeader(part);
        texts ??= [.. part.Columns.Select(_ => new NumberTexts<T>())];
        return part.Kept is null || part.Kept.Lines is not null ? [] : [.. Enumerable.Range(0, part.Kept.Count).Select(part.Kept.Array)];
    }

    /// <summary>A last line that begins with #: no row, whatever reads it.</summary>
    public override async ValueTask BreakOffAsync(string reason, CancellationToken cancellation)
    {
        await sending;
        csv.Clear();
        csv.CommentLine($" the answer breaks off here: {reason.Shown()}");
        await Body.WriteAsync(csv.Written, cancellation);
    }

    private void WriteHeader(Answer<T> part)
    {
        CheckNames(part);
        for (int i = 0; i < part.Kept?.Count; i++)
            csv.Cell(part.Kept.Field(i).Name);
        if (part.Numbers is not null)
            csv.Cell(RowColumn);
        foreach (AnswerColumn<T> column in part.Columns)
            foreach (string name in column.Names)
                csv.Cell(name);
        foreach (string name in part.Reasons?.Columns ?? [])
            csv.Cell(name);
        if (part.Errors is not null)
            csv.Cell(ErrorColumn);
        csv.EndRecord();
    }

    private void WriteRow(Answer<T> part, IArrowArray[] kept, int row)
    {
        if (part.Kept?.Lines is { } lines)
            csv.Cells(lines.GetBytes(row));
        foreach (IArrowArray cells in kept)
            KeptCell.Write(csv, cells, row);
        if (part.Numbers is { } numbers)
            csv.Value(numbers[row]);
        for (int i = 0; i < part.Columns.Count; i++)
            foreach (T value in part.Columns[i].Row(row))
                if (gaps is not null && part.Columns[i].Name == ScoreRequest.QValue)
                    gaps.Add(csv.Gap(), value);
                else if (part.Columns[i].IsFlag)
                    csv.Cell(T.IsNaN(value) ? default : value == T.Zero ? "false"u8 : "true"u8);
                else
                    texts![i].Write(csv, value);
        for (int i = 0; i < part.Reasons?.Top; i++)
            csv.Cell(part.Reasons.Text(row, i) ?? "");
        if (part.Errors is { } errors)
            csv.Cell(errors.Of(row) ?? "");
        csv.EndRecord();
    }
}
