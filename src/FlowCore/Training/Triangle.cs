namespace FlowCore.Training;

/// <summary>Lower triangular factors of symmetric matrices, row by row, in float64.</summary>
internal static class Triangle
{
    /// <summary>L with L L^T = A + ridge I, of which the lower triangle is read; null where a pivot is not safely positive.</summary>
    public static double[]? Cholesky(double[] matrix, int width, double ridge)
    {
        var factor = new double[width * width];
        for (int i = 0; i < width; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double rest = matrix[i * width + j] + (i == j ? ridge : 0) - Sums.Dot(factor.AsSpan(i * width, j), factor.AsSpan(j * width, j));
                if (i == j && !(rest > 1e-12))
                    return null;
                factor[i * width + j] = i == j ? Math.Sqrt(rest) : rest / factor[j * width + j];
            }
        }
        return factor;
    }

    /// <summary>The inverse of a lower triangle.</summary>
    public static void Invert(ReadOnlySpan<double> lower, int width, Span<double> inverse)
    {
        inverse.Clear();
        for (int i = 0; i < width; i++)
        {
            // A line at a time, from the lines above it.
            Span<double> line = inverse.Slice(i * width, i + 1);
            line[i] = 1;
            for (int k = 0; k < i; k++)
                Sums.Add(inverse.Slice(k * width, k + 1), -lower[i * width + k], line);
            foreach (ref double value in line)
                value /= lower[i * width + i];
        }
    }
}
