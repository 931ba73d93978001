using System.Numerics;
using FlowCore.Densities;

namespace FlowCore.Engines;

/// <summary>Adds the log frequency of a row's category to its log density, see <see cref="CategorySpec"/>. It owns the engine of the densities given the category.</summary>
public sealed class CategoricalEngine<T> : FlowEngine<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly FlowEngine<T> inner;
    private readonly T[] logFrequencies;

    /// <param name="inner">The engine of log p(x | c).</param>
    /// <param name="categories">The classes' frequencies.</param>
    public CategoricalEngine(FlowEngine<T> inner, CategorySpec categories) : base(inner.Spec)
    {
        this.inner = inner;
        logFrequencies = Array.ConvertAll(categories.LogFrequencies(), T.CreateTruncating);
        Reason = inner.Reason;
    }

    public override FlowEngine<T> Conditional => inner;

    public override string Name => inner.Name;

    public override string Device => inner.Device;

    public override bool SameBitsInAnyBatch => inner.SameBitsInAnyBatch;

    public override int LargestNewBatch => inner.LargestNewBatch;

    public override int NoiseWidth => inner.NoiseWidth;

    public override void DrawNoise(ulong seed, long firstRow, Span<T> noise) => inner.DrawNoise(seed, firstRow, noise);

    public override void Forward(ReadOnlySpan<T> x, ReadOnlySpan<T> context, Span<T> z, Span<T> logDet, Span<T> logProb)
    {
        inner.Forward(x, context, z, logDet, logProb);
        Add(context, logProb);
    }

    public override void Inverse(ReadOnlySpan<T> z, ReadOnlySpan<T> context, Span<T> x, Span<T> logDet, Span<T> logProb)
    {
        inner.Inverse(z, context, x, logDet, logProb);
        Add(context, logProb);
    }

    public override void Latents(ReadOnlySpan<T> noise, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase)
    {
        inner.Latents(noise, context, temperature, z, logBase);
        Add(context, logBase);
    }

    public override bool DrawsNoise => inner.DrawsNoise;

    public override void Sample(
        ReadOnlySpan<NoiseRow> rows, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase, Span<T> x, Span<T> logDet, Span<T> logProb)
    {
        inner.Sample(rows, context, temperature, z, logBase, x, logDet, logProb);
        Add(context, logBase);
        Add(context, logProb);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    private void Add(ReadOnlySpan<T> context, Span<T> logProb)
    {
        for (int row = 0; row < logProb.Length; row++)
            logProb[row] += logFrequencies[int.CreateTruncating(context[row])];
    }
}
