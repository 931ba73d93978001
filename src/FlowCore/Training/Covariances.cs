namespace FlowCore.Training;

/// <summary>How the columns of a table vary together, row by row in float64.</summary>
internal static class Covariances
{
    // A row of the matrix stays in the nearest cache while as many rows of the table are added to it, in their order.
    private const int Together = 16;

    /// <summary>The lower triangle of the correlation matrix.</summary>
    public static double[] Correlation(Table table, double[] mean, double[] scale)
    {
        int width = table.Width;
        double[] sum = new double[width * width], standard = new double[Together * width];
        for (int first = 0; first < table.Rows; first += Together)
        {
            int rows = Math.Min(Together, table.Rows - first);
            for (int row = 0; row < rows; row++)
            {
                ReadOnlySpan<double> values = table.Row(first + row);
                for (int i = 0; i < width; i++)
                    standard[row * width + i] = (values[i] - mean[i]) / scale[i];
            }
            for (int i = 0; i < width; i++)
                for (int row = 0; row < rows; row++)
                    Sums.Add(standard.AsSpan(row * width, i + 1), standard[row * width + i], sum.AsSpan(i * width, i + 1));
        }
        for (int i = 0; i < sum.Length; i++)
            sum[i] /= table.Rows;
        return sum;
    }

    /// <summary>
    /// Draws correlations towards 0 by as much as is best for the inverse's mean squared error (Ledoit, Wolf 2004, "A well-conditioned estimator for
    /// large-dimensional covariance matrices"): of few rows they are mostly chance. The share by which they were drawn.
    /// </summary>
    /// <param name="correlation">The lower triangle, which is changed.</param>
    /// <param name="table">The rows.</param>
    /// <param name="mean">Of each column.</param>
    /// <param name="scale">Of each column.</param>
    public static double Shrink(double[] correlation, Table table, double[] mean, double[] scale)
    {
        int width = table.Width;
        double whole = 0, apart = 0, error = 0;
        for (int i = 0; i < width; i++)
            for (int j = 0; j <= i; j++)
            {
                double value = correlation[i * width + j], times = i == j ? 1 : 2;
                whole += times * value * value;
                apart += times * (i == j ? (value - 1) * (value - 1) : value * value);
            }
        var standard = new double[width];
        for (int row = 0; row < table.Rows; row++)
        {
            ReadOnlySpan<double> values = table.Row(row);
            double square = 0, through = 0;
            for (int i = 0; i < width; i++)
            {
                standard[i] = (values[i] - mean[i]) / scale[i];
                square += standard[i] * standard[i];
                for (int j = 0; j <= i; j++)
                    through += (i == j ? 1 : 2) * correlation[i * width + j] * standard[i] * standard[j];
            }
            error += square * square - 2 * through + whole;
        }
        double share = apart > 0 ? Math.Clamp(error / table.Rows / table.Rows / apart, 0, 1) : 0;
        for (int i = 0; i < width; i++)
            for (int j = 0; j <= i; j++)
                correlation[i * width + j] = i == j ? (1 - share) * correlation[i * width + j] + share : (1 - share) * correlation[i * width + j];
        return share;
    }
}
