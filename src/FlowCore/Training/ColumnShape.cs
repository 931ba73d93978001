namespace FlowCore.Training;

/// <summary>How the values of a column lie.</summary>
/// <param name="Kurtosis">The mean of the fourth power of their distances from the mean, in standard deviations: 3 for a normal column, more for heavy tails; 0 for a constant one.</param>
/// <param name="Commonest">The share of the rows that have the commonest value.</param>
public readonly record struct ColumnShape(double Kurtosis, double Commonest)
{
    /// <summary>The shape of every column, in order.</summary>
    /// <param name="rows">The rows; at least one.</param>
    /// <param name="facts">The facts of their columns.</param>
    public static ColumnShape[] Of(Table rows, ColumnFacts[] facts) => [.. facts.Select((column, at) => new ColumnShape(KurtosisOf(rows, at, column), CommonestOf(rows, at)))];

    private static double KurtosisOf(Table rows, int column, ColumnFacts facts)
    {
        double sum = 0;
        for (int row = 0; row < rows.Rows && !facts.IsConstant; row++)
        {
            double unit = (rows.Values[row * rows.Width + column] - facts.Mean) / facts.Deviation;
            sum += unit * unit * unit * unit / rows.Rows;
        }
        return sum;
    }

    private static double CommonestOf(Table rows, int column)
    {
        var counts = new Dictionary<double, int>();
        int most = 0;
        for (int row = 0; row < rows.Rows; row++)
            most = Math.Max(most, ++System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(counts, rows.Values[row * rows.Width + column], out _));
        return (double)most / rows.Rows;
    }
}
