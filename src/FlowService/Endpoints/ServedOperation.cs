using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Scoring;
using FlowService.Batching;
using FlowService.Models;
using FlowService.Requests;

namespace FlowService.Endpoints;

/// <summary>One of the four operations as it is served: what its requests may say, what is computed, and what comes out.</summary>
/// <param name="Operation">Which.</param>
/// <param name="Fields">The fields of its requests.</param>
/// <param name="Rows">Its rows, in and out.</param>
internal sealed record ServedOperation(Operation Operation, FieldSet Fields, RowOperation Rows)
{
    /// <summary>The field of its rows in JSON; samples have none.</summary>
    public RequestField InputField => Operation == Operation.Decode ? RequestFields.Z : RequestFields.X;

    /// <summary>Whether the answer says of each row whether it is an anomaly, and passes the rows' own columns on.</summary>
    public bool IsScore => Operation == Operation.Score;

    public bool IsSample => Operation == Operation.Sample;

    /// <summary>The work on some rows of a request.</summary>
    public WorkItem Work(ServedModel model, WorkRows rows, Priority priority, HashSet<string> include, ScoreRequest? scores, RowPool pool) =>
        new(model, IsScore ? Operation.LogProb : Operation, rows, pool, Rows.KeepsValues(include) || scores is { NeedsLatents: true }) { Priority = priority };

    /// <summary>The answer to some computed rows.</summary>
    public Answer<float> Answer(WorkItem work, HashSet<string> include, RowPool pool)
    {
        var answer = new Answer<float>(work.Model.Name, work.Model.Version, work.Input.Count) { Seed = IsSample ? work.Input.Seed : null };
        return Rows.Fill(answer, work.Input.Values is { } values ? values.Span : [], work.Results.Rows, work.Model.Spec, include, pool);
    }
}
