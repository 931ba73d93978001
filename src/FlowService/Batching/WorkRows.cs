using FlowCore.Densities;
using FlowCore.Engines;
using FlowRows.Buffers;

namespace FlowService.Batching;

/// <summary>
/// What a request brings to a batch: rows of x, z or noise, each with its context. One context row may serve
/// several rows: row i of the request has context row i / <see cref="RowsPerContext"/>.
/// </summary>
internal sealed class WorkRows : IDisposable
{
    private RowBuffer<float>? noise;

    /// <summary>The number of rows.</summary>
    public required int Count { get; init; }

    /// <summary>The rows of x or z; null for samples, whose noise is drawn after they are admitted. Its owner disposes of it.</summary>
    public RowBuffer<float>? Values { get; init; }

    /// <summary>The context rows, or null for an unconditional model. Its owner disposes of it.</summary>
    public RowBuffer<float>? Context { get; init; }

    public long RowsPerContext { get; init; } = 1;

    /// <summary>The rows of the request that came before these, where it is computed in parts that share the context.</summary>
    public long First { get; init; }

    public ulong Seed { get; init; }

    /// <summary>The row of the seed's noise that the first row has.</summary>
    public long Offset { get; init; }

    public float Temperature { get; init; } = 1;

    /// <summary>Whether the noise of samples is drawn by the engine itself.</summary>
    public bool IsDrawnLater => Values is null && noise is null;

    /// <summary>
    /// Draws the noise of samples, on the caller's thread, unless the engine does: row i has noise row offset + i of the seed.
    /// </summary>
    public void DrawNoise(FlowEngine<float> engine, RowPool pool)
    {
        if (engine.DrawsNoise)
            return;
        noise = pool.Rent<float>(checked(Count * engine.NoiseWidth));
        engine.DrawNoise(Seed, Offset, noise.Span);
    }

    /// <summary>The rows of noise of a slice.</summary>
    public void CopyDraws(int first, int rows, Span<NoiseRow> target) => NoiseRow.Fill(target[..rows], Seed, Offset + first);

    /// <summary>Copies the values of a slice, <paramref name="width"/> to a row.</summary>
    public void CopyValues(int first, int rows, int width, Span<float> target) =>
        (Values ?? noise)!.Span.Slice(first * width, rows * width).CopyTo(target);

    /// <summary>Copies the context of each row of a slice.</summary>
    public void CopyContext(int first, int rows, int width, Span<float> target)
    {
        if (Context is null)
            return;
        Span<float> context = Context.Span;
        if (RowsPerContext == 1)
            context.Slice((int)(First + first) * width, rows * width).CopyTo(target);
        else
            for (int i = 0; i < rows; i++)
                context.Slice((int)((First + first + i) / RowsPerContext) * width, width).CopyTo(target[(i * width)..]);
    }

    public void Dispose() => noise?.Dispose();
}
