using System.Globalization;
using System.IO.Pipelines;
using FlowService.Wire.Arrow;
using FlowService.Wire.Csv;
using FlowService.Wire.Npy;

namespace FlowService.Wire;

/// <summary>A media type of rows beside JSON, which is read and written row by row: any number of them passes through.</summary>
internal abstract class RowFormat(string mediaType)
{
    public static readonly RowFormat[] All = [new NpyFormat(), new CsvFormat(), new ArrowFormat()];

    public string MediaType => mediaType;

    /// <summary>Whether an answer begins with the number of its rows.</summary>
    public virtual bool CountsFirst => false;

    /// <summary>Whether an answer can carry the body's other columns.</summary>
    public virtual bool Keeps => true;

    /// <summary>Whether numbers are written as they are in memory, in a type that the client may choose.</summary>
    public virtual bool IsBinary => true;

    /// <summary>Reads the body's beginning.</summary>
    public abstract ValueTask<RowReader> OpenAsync(HttpRequest request, RowSource source, CancellationToken cancellation);

    /// <summary>Begins an answer: its headers, and the writer of its rows.</summary>
    public AnswerWriter Begin(HttpResponse response, PipeWriter body, Answer first, AnswerOptions options)
    {
        AnswerWriter writer = Writer(body, options);
        response.ContentType = mediaType;
        response.ContentLength = writer.Length(first);
        response.Headers["flow-model"] = first.Model;
        response.Headers["flow-version"] = first.Version.ToString(CultureInfo.InvariantCulture);
        if (first.Seed is { } seed)
            response.Headers["flow-seed"] = seed.ToString(CultureInfo.InvariantCulture);
        return writer;
    }

    protected abstract AnswerWriter Writer(PipeWriter body, AnswerOptions options);

    /// <summary>The format of a media type, or null.</summary>
    public static RowFormat? Of(string? mediaType) => Array.Find(All, format => format.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase));
}
