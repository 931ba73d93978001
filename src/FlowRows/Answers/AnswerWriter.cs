using System.IO.Pipelines;
using System.Numerics;

namespace FlowRows.Answers;

/// <summary>Writes an answer part after part, straight into a pipe that is flushed as it fills.</summary>
internal abstract class AnswerWriter<T>(PipeWriter body)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Bytes that may gather before they are sent on.</summary>
    protected const int FlushBytes = 32 << 10;

    /// <summary>The columns that say of each row which one it is, and why it could not be read.</summary>
    protected const string RowColumn = "row", ErrorColumn = "error";

    protected PipeWriter Body => body;

    /// <summary>The length of the whole answer in bytes, where it is known once the first part is written.</summary>
    public virtual long? Length(Answer<T> first) => null;

    /// <summary>Writes some successive rows; the first part brings the header.</summary>
    public abstract ValueTask WriteAsync(Answer<T> part, CancellationToken cancellation);

    /// <summary>The answer's first bytes anew, now that all rows are written and their number is known; null in formats that do not begin with it.</summary>
    public virtual byte[]? Beginning => null;

    /// <summary>All parts are written.</summary>
    public virtual async ValueTask CompleteAsync(CancellationToken cancellation) => await body.FlushAsync(cancellation);

    /// <summary>
    /// Says why the answer ends before its end, in the format's own way, so that whoever reads it learns the reason and nobody takes the
    /// part for the whole. Where the format has no such way nothing is written.
    /// </summary>
    public virtual ValueTask BreakOffAsync(string reason, CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <summary>Refuses to pass on a column whose name the answer needs.</summary>
    protected static void CheckNames(Answer<T> answer)
    {
        if (answer.Kept is null)
            return;
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (AnswerColumn<T> column in answer.Columns)
            taken.UnionWith(column.IsTable ? column.Names : [column.Name, .. column.Names]);
        if (answer.Numbers is not null)
            taken.Add(RowColumn);
        taken.UnionWith(answer.Reasons?.Columns ?? []);
        if (answer.Errors is not null)
            taken.Add(ErrorColumn);
        for (int i = 0; i < answer.Kept.Count; i++)
            if (answer.Kept.Field(i).Name is var name && taken.Contains(name))
                throw new RowFault(RowFaultKind.InvalidArgument,
                    $"keep: column '{name.Shown()}' has the name of a column of the answer; rename it")
                { Field = "keep" };
    }
}

/// <summary>How an answer is written.</summary>
/// <param name="Rows">The number of its rows, where it is known.</param>
/// <param name="Type">The type of binary numbers.</param>
/// <param name="Include">What is asked for by name, beside the answer's main column.</param>
internal sealed record AnswerOptions(long? Rows, ElementType Type, HashSet<string> Include)
{
    /// <summary>Whether columns that are passed on are written as they were read, to be read back by the same program.</summary>
    public bool KeepsAsRead { get; init; }

    /// <summary>What the answer says of itself beside its rows, in formats that have a place for it.</summary>
    public IReadOnlyDictionary<string, string>? Facts { get; init; }

    /// <summary>As answers are written that the same program reads back.</summary>
    public static AnswerOptions AsRead<T>(IReadOnlyDictionary<string, string>? facts = null) =>
        new(null, typeof(T) == typeof(float) ? ElementType.Float32 : ElementType.Float64, []) { KeepsAsRead = true, Facts = facts };

    /// <summary>Whether the answer goes into a file, which some formats write with a table of contents at its end.</summary>
    public bool IsFile { get; init; }
}
