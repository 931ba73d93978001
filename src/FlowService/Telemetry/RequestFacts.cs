using System.Diagnostics;
using FlowService.Batching;
using FlowService.Models;

namespace FlowService.Telemetry;

/// <summary>
/// What is known of a request so far: its operation by the route, its model once that is found. A model that does not exist is
/// no label: clients must not be able to make new ones.
/// </summary>
internal sealed class RequestFacts(Operation operation)
{
    private long rows;

    /// <summary>By the route, or where that says too little, by what the request names.</summary>
    public Operation Operation { get; set; } = operation;

    public ServedModel? Model { get; set; }

    /// <summary>The rows that were sent to be computed.</summary>
    public long Rows => Interlocked.Read(ref rows);

    /// <summary>Why the request was refused or given up, in one of a few words.</summary>
    public string? Reason { get; set; }

    /// <summary>Counts rows, of a whole request or of a part that is computed beside others.</summary>
    public void Add(int count) => Interlocked.Add(ref rows, count);

    public TagList Labels() => new()
    {
        { "model", Model?.Name ?? "" },
        { "version", Model?.VersionLabel.Value ?? "" },
        { "operation", Operation.Name() },
    };
}
