using System.Runtime.InteropServices;

namespace FlowService.Batching;

/// <summary>The slices that are computed together. Samples stand before latents to decode: their noise is one run of rows.</summary>
internal sealed class Batch
{
    private readonly List<Slice> samples = [], others = [];

    public int Rows { get; private set; }

    public void Add(Slice slice)
    {
        (slice.Item.Operation == Operation.Sample ? samples : others).Add(slice);
        Rows += slice.Rows;
    }

    /// <summary>All slices, samples first. Call it once, when the batch is gathered.</summary>
    public ReadOnlySpan<Slice> Slices()
    {
        samples.AddRange(others);
        others.Clear();
        return CollectionsMarshal.AsSpan(samples);
    }

    public void Clear()
    {
        samples.Clear();
        others.Clear();
        Rows = 0;
    }
}
