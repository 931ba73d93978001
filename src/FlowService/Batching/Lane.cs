using FlowService.Models;

namespace FlowService.Batching;

/// <summary>Requests that can share a batch, first come first served; a large one is served slice by slice.</summary>
internal sealed class Lane(ServedModel model, Direction direction)
{
    private readonly Queue<WorkItem> items = new();
    private readonly Stack<WorkItem> first = new();

    public ServedModel Model => model;

    public Direction Direction => direction;

    public bool IsEmpty => items.Count == 0 && first.Count == 0;

    public void Add(WorkItem item) => items.Enqueue(item);

    /// <summary>Adds an item before all others: the rest of one that was cut by the end of a batch.</summary>
    public void AddFirst(WorkItem item) => first.Push(item);

    /// <summary>Fills a batch up to its limit, and passes over items whose callers have gone.</summary>
    public void Gather(Batch batch, int batchRows)
    {
        while (batch.Rows < batchRows && (first.TryPop(out WorkItem? item) || items.TryDequeue(out item)))
        {
            if (!item.TryBegin())
                continue;
            Slice slice = item.Take(batchRows - batch.Rows);
            model.Queue.Release(slice.Rows);
            batch.Add(slice);
        }
    }
}
