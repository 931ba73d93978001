using System.Numerics;

namespace FlowCore.Engines;

/// <summary>
/// Gives a row the same bits whatever batch it rides in: another engine computes it in tiles of one fixed number of rows, the last
/// one padded, so that libraries which choose their kernels by the shape always choose the same. It owns the other engine.
/// </summary>
public sealed class TiledEngine<T> : FlowEngine<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The rows of a tile unless said otherwise: a compromise between large batches and padding a lone row.</summary>
    public const int DefaultTileRows = 64;

    private readonly FlowEngine<T> inner;
    private readonly int tileRows;
    private readonly T[] input, context, temperature, output, logDet, logProb;

    public TiledEngine(FlowEngine<T> inner, int tileRows = DefaultTileRows) : base(inner.Spec)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tileRows, 1);
        (this.inner, this.tileRows) = (inner, tileRows);
        input = new T[tileRows * Math.Max(Width, inner.NoiseWidth)];
        (context, output) = (new T[tileRows * ContextWidth], new T[tileRows * Width]);
        (temperature, logDet, logProb) = (new T[tileRows], new T[tileRows], new T[tileRows]);
    }

    public override string Name => inner.Name + "-tiled";

    public override string Device => inner.Device;

    public override bool SameBitsInAnyBatch => true;

    public override int NoiseWidth => inner.NoiseWidth;

    public override void DrawNoise(ulong seed, long firstRow, Span<T> noise) => inner.DrawNoise(seed, firstRow, noise);

    public override void Forward(ReadOnlySpan<T> x, ReadOnlySpan<T> context, Span<T> z, Span<T> logDet, Span<T> logProb)
    {
        int rows = Rows(x, context, z.Length, logDet.Length, logProb.Length);
        for (int first = 0; first < rows; first += tileRows)
        {
            int count = Load(x, context, Width, first, rows);
            inner.Forward(input.AsSpan(0, tileRows * Width), this.context, output, this.logDet, this.logProb);
            Store(first, count, z, logDet, logProb);
        }
    }

    public override void Inverse(ReadOnlySpan<T> z, ReadOnlySpan<T> context, Span<T> x, Span<T> logDet, Span<T> logProb)
    {
        int rows = Rows(z, context, x.Length, logDet.Length, logProb.Length);
        for (int first = 0; first < rows; first += tileRows)
        {
            int count = Load(z, context, Width, first, rows);
            inner.Inverse(input.AsSpan(0, tileRows * Width), this.context, output, this.logDet, this.logProb);
            Store(first, count, x, logDet, logProb);
        }
    }

    public override void Latents(ReadOnlySpan<T> noise, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase)
    {
        int rows = Rows(z, context, z.Length, temperature.Length, logBase.Length);
        for (int first = 0; first < rows; first += tileRows)
        {
            int count = Load(noise, context, NoiseWidth, first, rows);
            Pad(temperature, this.temperature, 1, first, count);
            inner.Latents(input.AsSpan(0, tileRows * NoiseWidth), this.context, this.temperature, output, logProb);
            output.AsSpan(0, count * Width).CopyTo(z[(first * Width)..]);
            logProb.AsSpan(0, count).CopyTo(logBase[first..]);
        }
    }

    private int Load(ReadOnlySpan<T> from, ReadOnlySpan<T> contexts, int width, int first, int rows)
    {
        int count = Math.Min(tileRows, rows - first);
        Pad(from, input, width, first, count);
        Pad(contexts, context, ContextWidth, first, count);
        return count;
    }

    /// <summary>Repeats the last row: padding must hold numbers that the model takes.</summary>
    private void Pad(ReadOnlySpan<T> from, Span<T> tile, int width, int first, int count)
    {
        from.Slice(first * width, count * width).CopyTo(tile);
        for (int row = count; row < tileRows; row++)
            tile.Slice((count - 1) * width, width).CopyTo(tile[(row * width)..]);
    }

    private void Store(int first, int count, Span<T> values, Span<T> logDets, Span<T> logProbs)
    {
        output.AsSpan(0, count * Width).CopyTo(values[(first * Width)..]);
        logDet.AsSpan(0, count).CopyTo(logDets[first..]);
        logProb.AsSpan(0, count).CopyTo(logProbs[first..]);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
