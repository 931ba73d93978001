namespace FlowService.Batching;

/// <summary>Requests that can share a batch, first come first served; a large one is served slice by slice.</summary>
internal sealed class WaitingLine(Direction direction, Priority priority)
{
    private readonly Queue<WorkItem> items = new();
    private readonly Stack<WorkItem> first = new();

    public Direction Direction => direction;

    public Priority Priority => priority;

    // Blocks of sound are computed one by one: what is done is not held back by the others.
    private int Most(int rows) => direction == Direction.Sound ? Math.Min(1, rows) : rows;

    public bool IsEmpty => items.Count == 0 && first.Count == 0;

    public void Add(WorkItem item) => items.Enqueue(item);

    /// <summary>Puts an item before all others: one that was taken, but not computed.</summary>
    public void AddFirst(WorkItem item) => first.Push(item);

    /// <summary>Fills a batch up to a limit, and forgets items that were stopped. True where the batch has grown.</summary>
    public bool Fill(Batch batch, int mostRows)
    {
        int before = batch.Rows, most = Most(mostRows);
        while (batch.Rows < most && (first.TryPop(out WorkItem? item) || items.TryDequeue(out item)))
            if (!item.IsStopped)
                batch.Add(item.Take(most - batch.Rows));
        return batch.Rows > before;
    }
}
