using System.IO.Pipelines;
using CsvHelper;
using FlowRows.Answers;
using FlowRows.Tables;

namespace FlowRows.Csv;

/// <summary>
/// CSV (RFC 4180). In: columns by name in any order, or by position where there is no header; a comma, semicolon, tab or bar
/// between them. Out: the columns that are passed on, then those of the answer, under a header.
/// </summary>
/// <param name="hasHeader">Whether an answer has it.</param>
internal sealed class CsvFormat(bool hasHeader = true) : RowFormat(hasHeader ? "text/csv" : "text/csv; header=absent", ".csv", ".tsv", ".txt")
{
    // A record that does not end must not fill the memory.
    private const int MostRecordBytes = 16 << 20;

    public override bool IsBinary => false;

    /// <summary>Anything else than the other formats' marks may be text.</summary>
    public override bool Begins(ReadOnlySpan<byte> start) => true;

    public override async ValueTask<RowReader<T>> OpenAsync<T>(PipeReader body, RowSource source, CancellationToken cancellation)
    {
        char? separator = await CsvSeparator.OfAsync(body, cancellation);
        CsvReader csv = CsvReader.Create(new BoundedBody(body.AsStream(leaveOpen: true), source.Limits.StreamBytes), new CsvReaderOptions
        {
            Separator = separator,
            HasHeader = false,
            TrimWhitespace = true,
            SkipEmptyLines = false,
            TrackLineNumbers = true,
            MaxRecordSize = MostRecordBytes,
            FieldCountMismatch = CsvFieldCountHandling.Allow,
            MalformedData = CsvMalformedDataHandling.Throw,
        });
        try
        {
            return await CsvRowReader<T>.OpenAsync(csv, source, cancellation);
        }
        catch
        {
            await csv.DisposeAsync();
            throw;
        }
    }

    /// <summary>The refusal of what the reader of cells cannot read.</summary>
    /// <param name="place">Where that is: the body, or one of its rows.</param>
    /// <param name="fault">What it says of it.</param>
    public static RowFault Refusal(string place, CsvFormatException fault) =>
        fault.Message.Contains(nameof(CsvReaderOptions.MaxRecordSize), StringComparison.Ordinal)
            ? new(RowFaultKind.TooLarge, $"the record that begins in line {fault.LineNumber} is longer than {MostRecordBytes} bytes; close the quotes of its cells, "
                + "end each row with its line, and send wider rows as NumPy, Arrow or Parquet")
            : new(RowFaultKind.InvalidBody, $"{place} is not CSV: {fault.Message.OneLine()}");

    public override AnswerWriter<T> Writer<T>(PipeWriter body, AnswerOptions options) => new CsvAnswerWriter<T>(body, hasHeader);
}
