namespace FlowService.Batching;

/// <summary>
/// What waits for one model, and whose turn it is. A batch holds one direction and one priority. Interactive requests go first; a
/// bulk batch goes after so many interactive ones, so that it is not starved. A request of more rows than a batch is bulk by
/// nature: a small one never waits for more than the batch that is being computed.
/// </summary>
internal sealed class WaitingLines
{
    private const int InteractiveInARow = 8;

    // By priority, and the direction whose turn it is first.
    private readonly List<WaitingLine>[] lines = [Of(Priority.Interactive), Of(Priority.Bulk)];

    private int interactiveInARow;

    public bool IsEmpty => !Waits(Priority.Interactive) && !Waits(Priority.Bulk);

    public void Add(WorkItem item, int batchRows) =>
        Of(item.Input.Count > batchRows ? Priority.Bulk : item.Priority, item.Direction).Add(item);

    /// <summary>Begins a batch with the line whose turn it is, or adds to it; true where the batch has grown.</summary>
    public bool Fill(Batch batch, int mostRows)
    {
        if (batch.Line is { } same && batch.Rows > 0)
        {
            if (!MustGiveWay(same))
                return same.Fill(batch, mostRows);
            batch.PutBack();
        }
        while (!IsEmpty)
            if ((batch.Line = Next()).Fill(batch, mostRows))
                return true; // else the line held nothing but items that were stopped
        return false;
    }

    /// <summary>A batch of the line begins: its rest waits, and another direction is next.</summary>
    public void Begun(WaitingLine line, WorkItem? rest, int batchRows)
    {
        bool isLarge = rest?.Input.Count > batchRows;
        if (rest is not null && isLarge)
            line.Add(rest); // large requests take turns
        else if (rest is not null)
            line.AddFirst(rest);
        lines[(int)line.Priority].Remove(line);
        lines[(int)line.Priority].Add(line);
        interactiveInARow = line.Priority == Priority.Bulk || !Waits(Priority.Bulk) ? 0 : interactiveInARow + 1;
    }

    /// <summary>A batch of bulk requests that only waits for an engine gives way to interactive ones, unless its turn has come.</summary>
    private bool MustGiveWay(WaitingLine line) => line.Priority == Priority.Bulk && Waits(Priority.Interactive) && interactiveInARow < InteractiveInARow;

    private WaitingLine Next()
    {
        bool interactive = Waits(Priority.Interactive) && (interactiveInARow < InteractiveInARow || !Waits(Priority.Bulk));
        return lines[(int)(interactive ? Priority.Interactive : Priority.Bulk)].Find(line => !line.IsEmpty)!;
    }

    private bool Waits(Priority priority) => lines[(int)priority].Exists(line => !line.IsEmpty);

    private WaitingLine Of(Priority priority, Direction direction) => lines[(int)priority].Find(line => line.Direction == direction)!;

    private static List<WaitingLine> Of(Priority priority) => [.. Enum.GetValues<Direction>().Select(direction => new WaitingLine(direction, priority))];
}
