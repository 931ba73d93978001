namespace FlowService.Batching;

/// <summary>
/// What waits for one model, and whose turn it is. A batch holds one direction and one priority. Interactive requests go first; a
/// bulk batch goes after so many interactive ones, so that it is not starved. A request of more rows than a batch is bulk by
/// nature: a small one never waits for more than the batch that is being computed.
/// </summary>
internal sealed class Lanes
{
    private const int InteractiveInARow = 8;

    // By priority, and the direction whose turn it is first.
    private readonly Lane[][] lanes =
    [
        [new(Direction.Forward, Priority.Interactive), new(Direction.Inverse, Priority.Interactive)],
        [new(Direction.Forward, Priority.Bulk), new(Direction.Inverse, Priority.Bulk)],
    ];

    private int interactiveInARow;

    public bool IsEmpty => !Waits(Priority.Interactive) && !Waits(Priority.Bulk);

    public void Add(WorkItem item, int batchRows) =>
        Of(item.Input.Count > batchRows ? Priority.Bulk : item.Priority, item.Direction).Add(item);

    /// <summary>Begins a batch with the lane whose turn it is, or adds to it; true where the batch has grown.</summary>
    public bool Fill(Batch batch, int mostRows)
    {
        if (batch.Lane is { } same && batch.Rows > 0)
        {
            if (!MustGiveWay(same))
                return same.Fill(batch, mostRows);
            batch.PutBack();
        }
        while (!IsEmpty)
            if ((batch.Lane = Next()).Fill(batch, mostRows))
                return true; // else the lane held nothing but items that were stopped
        return false;
    }

    /// <summary>A batch of the lane begins: its rest waits, and another direction is next.</summary>
    public void Begun(Lane lane, WorkItem? rest, int batchRows)
    {
        bool isLarge = rest?.Input.Count > batchRows;
        if (rest is not null && isLarge)
            lane.Add(rest); // large requests take turns
        else if (rest is not null)
            lane.AddFirst(rest);
        Lane[] pair = lanes[(int)lane.Priority];
        if (pair[0] == lane)
            (pair[0], pair[1]) = (pair[1], pair[0]);
        interactiveInARow = lane.Priority == Priority.Bulk || !Waits(Priority.Bulk) ? 0 : interactiveInARow + 1;
    }

    /// <summary>A batch of bulk requests that only waits for an engine gives way to interactive ones, unless its turn has come.</summary>
    private bool MustGiveWay(Lane lane) => lane.Priority == Priority.Bulk && Waits(Priority.Interactive) && interactiveInARow < InteractiveInARow;

    private Lane Next()
    {
        bool interactive = Waits(Priority.Interactive) && (interactiveInARow < InteractiveInARow || !Waits(Priority.Bulk));
        Lane[] pair = lanes[(int)(interactive ? Priority.Interactive : Priority.Bulk)];
        return pair[0].IsEmpty ? pair[1] : pair[0];
    }

    private bool Waits(Priority priority) => !lanes[(int)priority][0].IsEmpty || !lanes[(int)priority][1].IsEmpty;

    private Lane Of(Priority priority, Direction direction) => Array.Find(lanes[(int)priority], lane => lane.Direction == direction)!;
}
