namespace FlowCore.Training;

/// <summary>How the columns of a table vary together, row by row in float64.</summary>
internal static class Covariances
{
    // A row of the matrix stays in the nearest cache while as many rows of the table are added to it, in their order.
    private const int Together = 16;

    private const int FewRowsPerColumn = 2;

    // The work of a part of the matrix grows with its rows: small parts end together.
    private const int LeastPart = 32;

    /// <summary>The lower triangle of the correlation matrix, the same on any number of threads.</summary>
    public static double[] Correlation(Table table, double[] mean, double[] scale, int threads = 1)
    {
        int width = table.Width, part = Math.Max(LeastPart, (width + 4 * threads - 1) / (4 * threads));
        var sum = new double[width * width];
        Parallel.For(0, (width + part - 1) / part, new ParallelOptions { MaxDegreeOfParallelism = threads },
            at => Add(table, mean, scale, at * part, Math.Min(width, (at + 1) * part), sum));
        for (int i = 0; i < sum.Length; i++)
            sum[i] /= table.Rows;
        return sum;
    }

    /// <summary>Adds up the products of some columns with those before each of them.</summary>
    private static void Add(Table table, double[] mean, double[] scale, int from, int to, double[] sum)
    {
        int width = table.Width;
        var standard = new double[Together * to];
        for (int first = 0; first < table.Rows; first += Together)
        {
            int rows = Math.Min(Together, table.Rows - first);
            for (int row = 0; row < rows; row++)
            {
                ReadOnlySpan<double> values = table.Row(first + row);
                for (int i = 0; i < to; i++)
                    standard[row * to + i] = (values[i] - mean[i]) / scale[i];
            }
            for (int i = from; i < to; i++)
                for (int row = 0; row < rows; row++)
                    Sums.Add(standard.AsSpan(row * to, i + 1), standard[row * to + i], sum.AsSpan(i * width, i + 1));
        }
    }

    /// <summary>Whether rows are too few to know how so many columns vary together.</summary>
    public static bool AreFew(long rows, long columns) => rows < FewRowsPerColumn * columns;

    /// <summary>The share by which the correlations of a table are drawn towards 0 (<see cref="Shrink"/>); 0 where its rows are not few.</summary>
    public static double Shrinkage(Table table)
    {
        if (!AreFew(table.Rows, table.Width))
            return 0;
        ColumnFacts[] facts = ColumnFacts.Of(table);
        double[] mean = [.. facts.Select(column => column.Mean)], scale = [.. facts.Select(column => column.Deviation > 0 ? column.Deviation : 1)];
        return Shrink(Correlation(table, mean, scale), table, mean, scale);
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
                through += standard[i] * (2 * Sums.Dot(correlation.AsSpan(i * width, i), standard) + correlation[i * width + i] * standard[i]);
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
