using FlowService.Batching;
using FlowService.Models;
using FlowService.Wire;

namespace FlowService.Endpoints;

/// <summary>One of the four operations: what its requests may say, and what it answers.</summary>
/// <param name="Operation">Which.</param>
/// <param name="Fields">The fields of its requests.</param>
/// <param name="Input">What the rows of a body are: x, z, or the context of samples.</param>
/// <param name="Includes">What may be asked for by name.</param>
/// <param name="Answer">The answer to some computed rows: its main column first.</param>
internal sealed record RowOperation(
    Operation Operation, RequestField Fields, RequestField Input, IncludeSet Includes, Func<WorkItem, HashSet<string>, RowPool, Answer> Answer)
{
    /// <summary>Whether the answer has more of the rows than their densities.</summary>
    public Func<HashSet<string>, bool> KeepsValues { get; init; } = _ => true;

    /// <summary>The work on some rows of a request.</summary>
    public WorkItem Work(ServedModel model, WorkRows rows, Priority priority, HashSet<string> include, RowPool pool) =>
        new(model, Operation, rows, pool, KeepsValues(include)) { Priority = priority };

    /// <summary>The answer, not yet with a column.</summary>
    public static Answer To(WorkItem work) => new(work.Model.Name, work.Model.Version, work.Input.Count)
    {
        Seed = work.Operation == Operation.Sample ? work.Input.Seed : null,
    };
}
