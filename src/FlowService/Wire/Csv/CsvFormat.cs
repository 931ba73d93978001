using System.IO.Pipelines;
using CsvHelper;
using Microsoft.Net.Http.Headers;

namespace FlowService.Wire.Csv;

/// <summary>
/// CSV (RFC 4180). In: columns by name in any order, or by position where there is no header; a comma, semicolon, tab or bar
/// between them. Out: the columns that are passed on, then those of the answer, under a header.
/// </summary>
internal sealed class CsvFormat() : RowFormat("text/csv")
{
    // A record that does not end must not fill the memory.
    private const int MostRecordBytes = 16 << 20;

    public override bool IsBinary => false;

    public override async ValueTask<RowReader> OpenAsync(HttpRequest request, RowSource source, CancellationToken cancellation)
    {
        var csv = CsvReader.Create(new BoundedBody(request.Body, source.Limits.StreamBytes), new CsvReaderOptions
        {
            HasHeader = false,
            TrimWhitespace = true,
            MaxRecordSize = MostRecordBytes,
            FieldCountMismatch = CsvFieldCountHandling.Throw,
            MalformedData = CsvMalformedDataHandling.Throw,
        });
        return await CsvRowReader.OpenAsync(csv, HasHeader(request), source, cancellation);
    }

    protected override AnswerWriter Writer(PipeWriter body, AnswerOptions options) => new CsvAnswerWriter(body);

    /// <summary>What the content type says of a header (RFC 4180, section 3), or null where the first line must tell.</summary>
    private static bool? HasHeader(HttpRequest request)
    {
        string? header = MediaTypeHeaderValue.Parse(request.ContentType).Parameters
            .FirstOrDefault(parameter => parameter.Name.Equals("header", StringComparison.OrdinalIgnoreCase))?.Value.Value?.Trim('"');
        return header?.ToLowerInvariant() switch
        {
            "present" => true,
            "absent" => false,
            _ => null,
        };
    }
}
