namespace FlowCore.Training;

/// <summary>Least-squares fits of some columns of a table by others, from their correlations.</summary>
internal sealed class CholeskyFit
{
    private readonly int width;
    private readonly double[] correlation, deviations;
    private readonly List<int> factored = [];
    private readonly List<double[]> factor = []; // row i: the first i + 1 entries of a lower Cholesky factor

    private CholeskyFit(int width, double[] correlation, double[] deviations) =>
        (this.width, this.correlation, this.deviations) = (width, correlation, deviations);

    /// <param name="table">The rows that are fitted to.</param>
    /// <param name="whole">The facts of all rows, in whose units factors are given where a column is constant here.</param>
    public static CholeskyFit Of(Table table, ColumnFacts[] whole)
    {
        ColumnFacts[] facts = ColumnFacts.Of(table);
        double[] means = [.. facts.Select(column => column.Mean)];
        double[] deviations =
            [.. facts.Zip(whole, (here, all) => here.Deviation > 0 ? here.Deviation : Math.Max(all.Deviation, 1e-300))];
        return new(table.Width, Covariances.Correlation(table, means, deviations), deviations);
    }

    /// <summary>The share of a column's variance that the best fit by others leaves over.</summary>
    public double Unexplained(List<int> columns, int column)
    {
        Factor(columns);
        double[] solved = Forward(column);
        return Math.Max(0, correlation[column * width + column] - solved.Sum(value => value * value));
    }

    /// <summary>The factors of the best fit, in the columns' own units.</summary>
    public double[] Factors(int[] columns, int column)
    {
        Factor(columns);
        double[] solved = Forward(column);
        for (int i = solved.Length - 1; i >= 0; i--)
        {
            for (int j = i + 1; j < solved.Length; j++)
                solved[i] -= factor[j][i] * solved[j];
            solved[i] /= factor[i][i];
        }
        return [.. solved.Select((value, i) => value * deviations[column] / deviations[columns[i]])];
    }

    private double[] Forward(int column)
    {
        var solved = new double[factored.Count];
        for (int i = 0; i < solved.Length; i++)
        {
            solved[i] = (Correlation(factored[i], column) - Sums.Dot(factor[i].AsSpan(0, i), solved)) / factor[i][i];
        }
        return solved;
    }

    /// <summary>Goes on from what is factored already, where the columns begin with that.</summary>
    private void Factor(IReadOnlyList<int> columns)
    {
        int same = 0;
        while (same < Math.Min(columns.Count, factored.Count) && columns[same] == factored[same])
            same++;
        factored.RemoveRange(same, factored.Count - same);
        factor.RemoveRange(same, factor.Count - same);
        for (int i = same; i < columns.Count; i++)
        {
            double[] row = [.. Forward(columns[i]), 0];
            row[i] = Math.Sqrt(Math.Max(1e-300, correlation[columns[i] * width + columns[i]] - row.Sum(value => value * value)));
            factored.Add(columns[i]);
            factor.Add(row);
        }
    }

    private double Correlation(int a, int b) => correlation[Math.Max(a, b) * width + Math.Min(a, b)];
}
