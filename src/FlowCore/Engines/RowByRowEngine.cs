using System.Numerics;

namespace FlowCore.Engines;

/// <summary>
/// Gives a row the same bits whatever batch it rides in: another engine computes each row alone. It owns that engine.
/// </summary>
/// <remarks>
/// Larger tiles of one fixed shape would be faster, and are not enough: on the CPU libtorch's bits depend on a row's place in the
/// tile (measured: of 32 golden models 8 differ, in tiles of 4 to 192 rows), and a map that is inverted numerically iterates until
/// the last row of the tile is there.
/// </remarks>
public sealed class RowByRowEngine<T>(FlowEngine<T> inner) : FlowEngine<T>(inner.Spec)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override string Name => inner.Name + ", row by row";

    public override string Device => inner.Device;

    public override bool SameBitsInAnyBatch => true;

    public override int NoiseWidth => inner.NoiseWidth;

    public override void DrawNoise(ulong seed, long firstRow, Span<T> noise) => inner.DrawNoise(seed, firstRow, noise);

    public override void Forward(ReadOnlySpan<T> x, ReadOnlySpan<T> context, Span<T> z, Span<T> logDet, Span<T> logProb)
    {
        int rows = Rows(x, context, z.Length, logDet.Length, logProb.Length);
        for (int row = 0; row < rows; row++)
            inner.Forward(Row(x, row, Width), Row(context, row, ContextWidth), Row(z, row, Width), Row(logDet, row, 1), Row(logProb, row, 1));
    }

    public override void Inverse(ReadOnlySpan<T> z, ReadOnlySpan<T> context, Span<T> x, Span<T> logDet, Span<T> logProb)
    {
        int rows = Rows(z, context, x.Length, logDet.Length, logProb.Length);
        for (int row = 0; row < rows; row++)
            inner.Inverse(Row(z, row, Width), Row(context, row, ContextWidth), Row(x, row, Width), Row(logDet, row, 1), Row(logProb, row, 1));
    }

    public override void Latents(ReadOnlySpan<T> noise, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase)
    {
        int rows = Rows(z, context, z.Length, temperature.Length, logBase.Length);
        for (int row = 0; row < rows; row++)
            inner.Latents(Row(noise, row, NoiseWidth), Row(context, row, ContextWidth), Row(temperature, row, 1), Row(z, row, Width), Row(logBase, row, 1));
    }

    private static ReadOnlySpan<T> Row(ReadOnlySpan<T> rows, int row, int width) => rows.Slice(row * width, width);

    private static Span<T> Row(Span<T> rows, int row, int width) => rows.IsEmpty ? rows : rows.Slice(row * width, width);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
