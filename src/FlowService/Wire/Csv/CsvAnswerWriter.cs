using System.Globalization;
using System.IO.Pipelines;
using CsvHelper;

namespace FlowService.Wire.Csv;

/// <summary>
/// An answer as CSV: the columns that are passed on, then the answer's, as many digits as bring the same float32 back. What is not
/// finite is written as NumPy, pandas and R read it.
/// </summary>
internal sealed class CsvAnswerWriter(PipeWriter body) : AnswerWriter(body)
{
    // Never disposed of: that would send what it holds of an answer that has failed.
    private readonly CsvWriter csv = CsvWriter.Create(body.AsStream(leaveOpen: true), new CsvWriterOptions { NewLine = "\n" });

    public override async ValueTask WriteAsync(Answer part, CancellationToken cancellation)
    {
        if (csv.RecordCount == 0)
            WriteHeader(part);
        for (int row = 0; row < part.Rows; row++)
        {
            WriteRow(part, row);
            await csv.EndRecordAsync(cancellation);
        }
        await csv.FlushAsync(cancellation);
    }

    private void WriteHeader(Answer part)
    {
        CheckNames(part);
        IEnumerable<string> kept = Enumerable.Range(0, part.Kept?.Count ?? 0).Select(i => part.Kept!.Field(i).Name);
        csv.WriteHeader([.. kept, .. part.Columns.SelectMany(column => column.Names)]);
    }

    private void WriteRow(Answer part, int row)
    {
        for (int i = 0; i < part.Kept?.Count; i++)
            KeptCell.Write(csv, part.Kept.Array(i), row);
        foreach (Column column in part.Columns)
            foreach (float value in column.Row(row))
                WriteNumber(value);
    }

    private void WriteNumber(float value)
    {
        if (float.IsFinite(value))
            csv.WriteField(value, default, CultureInfo.InvariantCulture);
        else
            csv.WriteField(float.IsNaN(value) ? "nan"u8 : value < 0 ? "-inf"u8 : "inf"u8);
    }
}
