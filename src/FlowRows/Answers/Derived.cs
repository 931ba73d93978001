using System.Numerics;
using FlowRows.Buffers;

namespace FlowRows.Answers;

/// <summary>Outputs that follow from others, row by row.</summary>
internal static class Derived
{
    /// <summary>|z|^2 of each row.</summary>
    public static RowBuffer<T> SquaredNorms<T>(RowBuffer<T> z, int width, RowPool pool)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RowBuffer<T> norms = pool.Rent<T>(z.Length / width);
        Span<T> values = z.Span, target = norms.Span;
        for (int row = 0; row < target.Length; row++)
        {
            T sum = T.Zero;
            foreach (T value in values.Slice(row * width, width))
                sum += value * value;
            target[row] = sum;
        }
        return norms;
    }

    /// <summary>-log p(x) / (features * ln 2): nats of a row to bits of a feature.</summary>
    public static RowBuffer<T> BitsPerDim<T>(RowBuffer<T> logProb, int width, RowPool pool)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RowBuffer<T> bits = pool.Rent<T>(logProb.Length);
        Span<T> values = logProb.Span, target = bits.Span;
        double scale = -1 / (width * Math.Log(2));
        for (int row = 0; row < target.Length; row++)
            target[row] = T.CreateTruncating(double.CreateTruncating(values[row]) * scale);
        return bits;
    }
}
