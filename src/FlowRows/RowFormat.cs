using System.IO.Pipelines;
using System.Numerics;
using FlowCore;
using FlowRows.Answers;
using FlowRows.Tables;

namespace FlowRows;

/// <summary>A format of rows: what reads it from a pipe and what writes it into one. A file, a request's body and a pipeline are the same.</summary>
internal abstract class RowFormat(string mediaType, params string[] extensions)
{
    public string MediaType => mediaType;

    /// <summary>The endings of its files' names, the usual one first.</summary>
    public IReadOnlyList<string> Extensions => extensions;

    /// <summary>Whether an answer begins with the number of its rows.</summary>
    public virtual bool CountsFirst => false;

    /// <summary>Whether an answer can carry other columns: those of the body, and what went wrong with a row.</summary>
    public virtual bool Keeps => true;

    /// <summary>Whether numbers are written as they are in memory, in a type that the client may choose.</summary>
    public virtual bool IsBinary => true;

    /// <summary>Whether an answer is written as a whole.</summary>
    public virtual bool IsWhole => false;

    /// <summary>Whether a body begins as this format's bodies do.</summary>
    public abstract bool Begins(ReadOnlySpan<byte> start);

    /// <summary>The size of the images that a body's rows are, where it shows one: the body stays as it is, to be read.</summary>
    /// <param name="body">The body.</param>
    /// <param name="channelsLast">Whether an image's channels stand behind its height and width.</param>
    /// <param name="cancellation">Ends it.</param>
    public virtual ValueTask<ShownImages?> ImagesAsync(PipeReader body, bool channelsLast, CancellationToken cancellation) =>
        ValueTask.FromResult<ShownImages?>(null);

    /// <summary>Reads the body's beginning.</summary>
    /// <exception cref="RowFault">It is none of this format, or does not bring the columns that are wanted.</exception>
    public abstract ValueTask<RowReader<T>> OpenAsync<T>(PipeReader body, RowSource source, CancellationToken cancellation)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Begins an answer.</summary>
    public abstract AnswerWriter<T> Writer<T>(PipeWriter body, AnswerOptions options)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}
