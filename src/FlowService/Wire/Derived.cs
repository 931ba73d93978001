namespace FlowService.Wire;

/// <summary>Outputs that follow from others, row by row.</summary>
internal static class Derived
{
    /// <summary>|z|^2 of each row.</summary>
    public static RowBuffer SquaredNorms(RowBuffer z, int width, RowPool pool)
    {
        RowBuffer norms = pool.Rent(z.Length / width);
        Span<float> values = z.Span, target = norms.Span;
        for (int row = 0; row < target.Length; row++)
        {
            float sum = 0;
            foreach (float value in values.Slice(row * width, width))
                sum += value * value;
            target[row] = sum;
        }
        return norms;
    }

    /// <summary>-log p(x) / (features * ln 2): nats of a row to bits of a feature.</summary>
    public static RowBuffer BitsPerDim(RowBuffer logProb, int width, RowPool pool)
    {
        RowBuffer bits = pool.Rent(logProb.Length);
        Span<float> values = logProb.Span, target = bits.Span;
        double scale = -1 / (width * Math.Log(2));
        for (int row = 0; row < target.Length; row++)
            target[row] = (float)(values[row] * scale);
        return bits;
    }
}
