using System.IO.Pipelines;
using FlowService.Errors;

namespace FlowService.Wire;

/// <summary>Writes an answer part after part, straight into a pipe that is flushed as it fills.</summary>
internal abstract class AnswerWriter(PipeWriter body)
{
    /// <summary>Bytes that may gather before they are sent on.</summary>
    protected const int FlushBytes = 32 << 10;

    protected PipeWriter Body => body;

    /// <summary>The length of the whole answer in bytes, where it is known once the first part is written.</summary>
    public virtual long? Length(Answer first) => null;

    /// <summary>Writes some successive rows; the first part brings the header.</summary>
    public abstract ValueTask WriteAsync(Answer part, CancellationToken cancellation);

    /// <summary>Refuses to pass on a column whose name the answer needs.</summary>
    protected static void CheckNames(Answer answer)
    {
        for (int i = 0; i < answer.Kept?.Count; i++)
            if (answer.Kept.Field(i).Name is var name && answer.Columns.Any(column => column.IsTable ? column.Names.Contains(name) : column.Name == name))
                throw new RequestException(ProblemKind.InvalidArgument, $"keep: column '{name.Shown()}' has the name of a column of the answer; rename it") { Field = "keep" };
    }

    /// <summary>All parts are written.</summary>
    public virtual async ValueTask CompleteAsync(CancellationToken cancellation) => await body.FlushAsync(cancellation);
}

/// <summary>How an answer is written.</summary>
/// <param name="Rows">The number of its rows, where it is known.</param>
/// <param name="Type">The type of binary numbers.</param>
/// <param name="Include">What the request asks for by name, beside the answer's main column.</param>
internal sealed record AnswerOptions(long? Rows, ElementType Type, HashSet<string> Include);
