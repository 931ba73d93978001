using System.Globalization;
using System.IO.Pipelines;
using System.Numerics;
using Apache.Arrow;
using CsvHelper;
using FlowRows.Answers;
using FlowRows.Tables;

namespace FlowRows.Csv;

/// <summary>
/// An answer as CSV: the columns that are passed on, then the answer's, as many digits as bring the same number back. What is not
/// finite is written as NumPy, pandas and R read it.
/// </summary>
internal sealed class CsvAnswerWriter<T>(PipeWriter body, bool hasHeader) : AnswerWriter<T>(body)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Never disposed of: that would send what it holds of an answer that has failed.
    private readonly CsvWriter csv = CsvWriter.Create(body.AsStream(leaveOpen: true), new CsvWriterOptions { NewLine = "\n", CommentPrefix = '#' });

    public override async ValueTask WriteAsync(Answer<T> part, CancellationToken cancellation)
    {
        KeptTypes.Check(part.Kept, "text/csv");
        if (hasHeader && csv.RecordCount == 0)
            WriteHeader(part);
        IArrowArray[] kept = [.. Enumerable.Range(0, part.Kept?.Count ?? 0).Select(i => part.Kept!.Array(i))];
        for (int row = 0; row < part.Rows; row++)
        {
            WriteRow(part, kept, row);
            await csv.EndRecordAsync(cancellation);
        }
        await csv.FlushAsync(cancellation);
    }

    /// <summary>A last line that begins with #: no row, whatever reads it.</summary>
    public override async ValueTask BreakOffAsync(string reason, CancellationToken cancellation)
    {
        csv.WriteComment($" the answer breaks off here: {reason.Shown()}");
        await csv.FlushAsync(cancellation);
    }

    private void WriteHeader(Answer<T> part)
    {
        CheckNames(part);
        List<string> names = [];
        for (int i = 0; i < part.Kept?.Count; i++)
            names.Add(part.Kept.Field(i).Name);
        if (part.Numbers is not null)
            names.Add(RowColumn);
        foreach (AnswerColumn<T> column in part.Columns)
            names.AddRange(column.Names);
        names.AddRange(part.Reasons?.Columns ?? []);
        if (part.Errors is not null)
            names.Add(ErrorColumn);
        csv.WriteHeader([.. names]);
    }

    private void WriteRow(Answer<T> part, IArrowArray[] kept, int row)
    {
        foreach (IArrowArray cells in kept)
            KeptCell.Write(csv, cells, row);
        if (part.Numbers is { } numbers)
            csv.WriteField(numbers[row], default, CultureInfo.InvariantCulture);
        foreach (AnswerColumn<T> column in part.Columns)
            foreach (T value in column.Row(row))
                if (column.IsFlag)
                    csv.WriteField(T.IsNaN(value) ? default : value == T.Zero ? "false"u8 : "true"u8);
                else
                    WriteNumber(value);
        for (int i = 0; i < part.Reasons?.Top; i++)
            csv.WriteField(part.Reasons.Text(row, i) ?? "");
        if (part.Errors is { } errors)
            csv.WriteField(errors.Of(row) ?? "");
    }

    private void WriteNumber(T value)
    {
        if (!T.IsFinite(value))
            csv.WriteField(T.IsNaN(value) ? "nan"u8 : value < T.Zero ? "-inf"u8 : "inf"u8);
        else if (typeof(T) == typeof(float))
            csv.WriteField((float)(object)value, default, CultureInfo.InvariantCulture);
        else
            csv.WriteField(double.CreateTruncating(value), default, CultureInfo.InvariantCulture);
    }
}
