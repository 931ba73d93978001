using FlowRows.Buffers;

namespace FlowService.Endpoints;

/// <summary>
/// Latents from one to another: spherical interpolation of their directions, u(t) = sin((1-t)W)/sin W u1 + sin(tW)/sin W u2 with W the angle
/// between them (Shoemake 1985; for generative models White 2016, arXiv 1609.04468), at lengths that go evenly from one to the other. It keeps
/// the length that normal latents have, where a straight line would cut through the middle, which no sample comes from.
/// </summary>
internal static class LatentPath
{
    // Below this sine the formula divides by nearly nothing, and the arc is a straight line to float precision.
    private const double Parallel = 1e-4;

    /// <summary>The path in <paramref name="steps"/> rows, both ends included. <paramref name="ends"/> are two rows.</summary>
    public static RowBuffer<float> Between(ReadOnlySpan<float> ends, int steps, RowPool pool)
    {
        int width = ends.Length / 2;
        ReadOnlySpan<float> first = ends[..width], last = ends[width..];
        RowBuffer<float> path = pool.Rent<float>(checked(steps * width));
        double from = Length(first), to = Length(last), angle = Angle(first, last, from * to);
        for (int step = 0; step < steps; step++)
        {
            (double a, double b) = Weights(angle, (double)step / (steps - 1), from, to);
            Span<float> row = path.Span.Slice(step * width, width);
            for (int i = 0; i < width; i++)
                row[i] = (float)(a * first[i] + b * last[i]);
        }
        return path;
    }

    private static (double First, double Last) Weights(double angle, double t, double from, double to)
    {
        if (!(Math.Sin(angle) is > Parallel and var sine))
            return (1 - t, t);
        double length = (1 - t) * from + t * to;
        return (Math.Sin((1 - t) * angle) / sine * length / from, Math.Sin(t * angle) / sine * length / to);
    }

    private static double Length(ReadOnlySpan<float> z)
    {
        double square = 0;
        foreach (float value in z)
            square += (double)value * value;
        return Math.Sqrt(square);
    }

    private static double Angle(ReadOnlySpan<float> a, ReadOnlySpan<float> b, double lengths)
    {
        double product = 0;
        for (int i = 0; i < a.Length; i++)
            product += (double)a[i] * b[i];
        return lengths > 0 ? Math.Acos(Math.Clamp(product / lengths, -1, 1)) : 0;
    }
}
