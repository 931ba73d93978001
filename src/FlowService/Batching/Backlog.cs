using FlowService.Models;

namespace FlowService.Batching;

/// <summary>The device thread's own view of what waits: one lane for each model and direction, served in turn.</summary>
internal sealed class Backlog
{
    private readonly Dictionary<(ServedModel, Direction), Lane> lanes = [];
    private readonly Queue<Lane> turns = new();

    public bool IsEmpty => turns.Count == 0;

    public void Add(WorkItem item) => LaneOf(item).Add(item);

    /// <summary>Takes back an item of which a slice was computed. What fits into one batch goes on first, a large one waits its turn.</summary>
    public void Return(WorkItem item, int batchRows)
    {
        if (item.Input.Count <= batchRows)
            LaneOf(item).AddFirst(item);
        else
            Add(item);
    }

    /// <summary>Gathers the next batch: up to <paramref name="batchRows"/> rows of the lane whose turn it is.</summary>
    public Lane Gather(Batch batch, int batchRows)
    {
        Lane lane = turns.Dequeue();
        lane.Gather(batch, batchRows);
        if (!lane.IsEmpty)
            turns.Enqueue(lane);
        return lane;
    }

    /// <summary>Forgets a model's lanes; false while work for it waits.</summary>
    public bool TryForget(ServedModel model)
    {
        foreach (Direction direction in (ReadOnlySpan<Direction>)[Direction.Forward, Direction.Inverse])
            if (lanes.TryGetValue((model, direction), out Lane? lane) && !lane.IsEmpty)
                return false;
        lanes.Remove((model, Direction.Forward));
        lanes.Remove((model, Direction.Inverse));
        return true;
    }

    private Lane LaneOf(WorkItem item)
    {
        if (!lanes.TryGetValue((item.Model, item.Direction), out Lane? lane))
            lanes.Add((item.Model, item.Direction), lane = new Lane(item.Model, item.Direction));
        if (lane.IsEmpty)
            turns.Enqueue(lane);
        return lane;
    }
}
