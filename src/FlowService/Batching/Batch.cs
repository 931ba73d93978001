using System.Runtime.InteropServices;
using FlowCore.Engines;
using FlowService.Telemetry;

namespace FlowService.Batching;

/// <summary>
/// The slices that one thread computes together, from gathering to handing out. Gathering: slices come, and may be put back.
/// <see cref="Seal"/> ends it: samples then stand before latents to decode, for their noise is one run of rows. Each slice fails
/// or succeeds by itself.
/// </summary>
internal sealed class Batch(BatchBuffers buffers)
{
    private readonly List<Slice> slices = [];
    private readonly List<Exception?> failures = [];
    private int staged;
    private bool keepsValues;

    /// <summary>Where its slices came from.</summary>
    public WaitingLine? Line { get; set; }

    public int Rows { get; private set; }

    /// <summary>The clock's timestamp at which its computation began.</summary>
    public long Began { get; set; }

    /// <summary>What its computation took; null before it.</summary>
    public StepTimes? Steps { get; set; }

    public ReadOnlySpan<Slice> Slices => CollectionsMarshal.AsSpan(slices);

    /// <summary>The item that the end of the batch cut: it has rows left.</summary>
    public WorkItem? Rest => slices.Count > 0 && slices[^1].Item is { Remaining: > 0 } cut ? cut : null;

    /// <summary>The queue's time stamp of its oldest request.</summary>
    public long Oldest => slices[0].Item.Queued;

    public void Add(Slice slice)
    {
        slices.Add(slice);
        Rows += slice.Rows;
    }

    /// <summary>Puts all slices back where they came from, if one of them was stopped: their items keep their order.</summary>
    public void PutBackIfStopped()
    {
        foreach (Slice slice in slices)
            if (slice.Item.IsStopped)
            {
                PutBack();
                return;
            }
    }

    /// <summary>Puts all slices back where they came from.</summary>
    public void PutBack()
    {
        for (int i = slices.Count - 1; i >= 0; i--)
        {
            slices[i].Item.Return(slices[i]);
            if (!slices[i].Item.IsStopped)
                Line!.AddFirst(slices[i].Item);
        }
        Clear();
    }

    /// <summary>Copies what has come since the last time into the buffers.</summary>
    public void Stage()
    {
        for (; staged < slices.Count; staged++)
            if (slices[staged].Item.Job is null)
                buffers.Stage(slices[staged]);
    }

    public void Seal()
    {
        Stage();
        buffers.Seal();
        if (Line!.Direction == Direction.Inverse)
            SamplesFirst();
        foreach (Slice slice in slices)
        {
            failures.Add(null);
            keepsValues |= slice.Item.Results.KeepsValues;
        }
    }

    /// <summary>Computes rows of the batch, counted from <paramref name="from"/> up to and without <paramref name="to"/>.</summary>
    public void Compute(FlowEngine<float> engine, int from, int to)
    {
        switch (Line!.Direction)
        {
            case Direction.Forward:
                buffers.Forward(engine, from, to, keepsValues);
                break;
            case Direction.Inverse:
                buffers.Inverse(engine, from, to);
                break;
            default:
                slices[from].Item.Job!();
                break;
        }
    }

    /// <summary>Fails the callers of some rows.</summary>
    public void Fail(int from, int to, Exception reason)
    {
        int row = 0;
        for (int i = 0; i < slices.Count; row += slices[i++].Rows)
            if (row < to && from < row + slices[i].Rows)
                failures[i] ??= reason;
    }

    /// <summary>The first row of the slice nearest to the middle of some rows, or <paramref name="from"/> where they are one slice's.</summary>
    public int Middle(int from, int to)
    {
        int best = from, row = 0;
        foreach (Slice slice in slices)
        {
            if (row > from && row < to && (best == from || Math.Abs(2 * row - from - to) < Math.Abs(2 * best - from - to)))
                best = row;
            row += slice.Rows;
        }
        return best;
    }

    /// <summary>Copies the results to those callers whose rows were computed.</summary>
    public void HandOut()
    {
        int row = 0;
        for (int i = 0; i < slices.Count; row += slices[i++].Rows)
            if (failures[i] is null && slices[i].Item.Job is null)
                buffers.HandOut(slices[i], row);
    }

    /// <summary>Why a slice failed, or null.</summary>
    public Exception? Failure(int slice) => slice < failures.Count ? failures[slice] : null;

    public void Clear()
    {
        slices.Clear();
        failures.Clear();
        buffers.Clear();
        (Line, Rows, Steps, staged, keepsValues) = (null, 0, null, 0, false);
    }

    private void SamplesFirst()
    {
        List<Slice> samples = slices.FindAll(slice => slice.Item.Operation == Operation.Sample);
        if (samples.Count == 0 || samples.Count == slices.Count)
            return;
        List<Slice> latents = slices.FindAll(slice => slice.Item.Operation != Operation.Sample);
        slices.Clear();
        slices.AddRange(samples);
        slices.AddRange(latents);
    }
}
