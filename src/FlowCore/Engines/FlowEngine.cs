using System.Buffers;
using System.Numerics;
using FlowCore.Densities;

namespace FlowCore.Engines;

/// <summary>
/// What serving code sees of a flow: flat rows in, flat rows out. Rows are row-major; <c>x</c>, <c>z</c> and <c>noise</c> are
/// <c>rows * Width</c> values, <c>context</c> is <c>rows * ContextWidth</c> (empty for an unconditional flow; a class is one
/// value), the other spans hold one value a row. Log densities and log-determinants are in nats. Where only these are wanted, the
/// span for what the rows are mapped to is empty. An engine is used by one thread at a time; rows do not influence each other.
/// </summary>
public abstract class FlowEngine<T>(FlowSpec spec) : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public FlowSpec Spec { get; } = spec;

    public int Width { get; } = spec.Width;

    public int ContextWidth { get; } = spec.ContextWidth;

    /// <summary>The engine's name as users see it: <c>compiled</c>, <c>gpu</c> or <c>torch</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Why this engine computes the flow, where another one was to be expected; null where none was.</summary>
    public string? Reason { get; init; }

    /// <summary>The engine of the density given the context alone, where this one adds the frequency of the context: log p(x | c) of log p(x, c).</summary>
    public virtual FlowEngine<T> Conditional => this;

    /// <summary>Where it computes: <c>cpu</c>, <c>cuda:0</c>, ...</summary>
    public abstract string Device { get; }

    /// <summary>The memory of its GPU as its driver tells it now, on any thread; null where it has none of its own to tell of.</summary>
    /// <exception cref="FlowException">The driver does not answer.</exception>
    public virtual DeviceMemory? Memory() => null;

    /// <summary>
    /// Whether a row's outputs have the same bits whatever batch it rides in, and wherever in it. Without the promise they differ
    /// by rounding: the demo models by less than 2e-5, relative to 1 + |output|, in float32.
    /// </summary>
    public virtual bool SameBitsInAnyBatch => false;

    /// <summary>The rows beyond which a batch does nothing that a smaller one has not done: warming up needs no more.</summary>
    public virtual int LargestNewBatch => int.MaxValue;

    /// <summary>Data to latents: z, log|det dz/dx| and log p(x).</summary>
    public abstract void Forward(ReadOnlySpan<T> x, ReadOnlySpan<T> context, Span<T> z, Span<T> logDet, Span<T> logProb);

    /// <summary>Latents to data: x, log|det dx/dz| and log p(x).</summary>
    public abstract void Inverse(ReadOnlySpan<T> z, ReadOnlySpan<T> context, Span<T> x, Span<T> logDet, Span<T> logProb);

    /// <summary>
    /// Latents from noise that <see cref="DrawNoise"/> made: each row's noise is scaled by its temperature. <c>logBase</c> is the
    /// log density of the latents that were really drawn, so that log q(x) = logBase - log|det dx/dz|.
    /// </summary>
    public abstract void Latents(
        ReadOnlySpan<T> noise, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase);

    /// <summary>The number of noise values behind one latent.</summary>
    public abstract int NoiseWidth { get; }

    /// <summary>The noise of rows firstRow, firstRow + 1, ... of a seed. Computed on the host; any thread may call it.</summary>
    public virtual void DrawNoise(ulong seed, long firstRow, Span<T> noise) =>
        Noise.FillNormal(seed, firstRow, NoiseWidth, noise);

    /// <summary>Whether <see cref="Sample"/> draws the noise where it computes, so that the host need not.</summary>
    public virtual bool DrawsNoise => false;

    /// <summary>
    /// Samples: the latents that <see cref="Latents"/> makes of these rows of noise, where they are wanted, and the data that
    /// <see cref="Inverse"/> makes of those.
    /// </summary>
    /// <exception cref="RowException">The spans do not belong together, or a class is none of the flow's.</exception>
    public virtual void Sample(
        ReadOnlySpan<NoiseRow> rows, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase, Span<T> x, Span<T> logDet, Span<T> logProb)
    {
        T[] noise = ArrayPool<T>.Shared.Rent(checked(rows.Length * NoiseWidth)), drawn = z.IsEmpty ? ArrayPool<T>.Shared.Rent(checked(rows.Length * Width)) : [];
        Span<T> latents = z.IsEmpty ? drawn.AsSpan(0, rows.Length * Width) : z;
        for (int i = 0, next; i < rows.Length; i = next)
        {
            for (next = i + 1; next < rows.Length && rows[next] == new NoiseRow(rows[i].Seed, rows[i].Row + next - i); next++)
                ;
            DrawNoise(rows[i].Seed, rows[i].Row, noise.AsSpan(i * NoiseWidth, (next - i) * NoiseWidth));
        }
        Latents(noise.AsSpan(0, rows.Length * NoiseWidth), context, temperature, latents, logBase);
        Inverse(latents, context, x, logDet, logProb);
        ArrayPool<T>.Shared.Return(noise);
        if (z.IsEmpty)
            ArrayPool<T>.Shared.Return(drawn);
    }

    /// <summary>Refuses spans whose lengths do not belong together, and says how many rows they hold.</summary>
    protected int Rows(ReadOnlySpan<T> rows, ReadOnlySpan<T> context, int valuesOut, int perRowOut, int perRowOutB)
    {
        int count = rows.Length / Width;
        if (count * Width != rows.Length)
            throw new RowException($"{rows.Length} values are not whole rows: model '{Spec.Name}' has {Width} values a row");
        if (context.Length != count * ContextWidth)
            throw new RowException($"{count} rows need {count * ContextWidth} context values ({ContextWidth} a row), got {context.Length}");
        if ((valuesOut != rows.Length && valuesOut != 0) || perRowOut != count || perRowOutB != count)
            throw new RowException($"the output spans do not fit {count} rows of {Width} values");
        return count;
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
