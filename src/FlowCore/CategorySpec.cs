namespace FlowCore;

/// <summary>
/// The columns of categories that the classes of a condition stand for: the density of a row is log p(x, c) = log p(x | c) + log pi_c, in which pi_c is the share of
/// training rows in class c. That is exact: categories have probabilities and no density, and no noise has to be added to them.
/// </summary>
/// <param name="Columns">The names of the columns.</param>
/// <param name="Values">Of each class the category in each column, as text; a number as its shortest decimal.</param>
/// <param name="Rows">The rows of each class that the flow was trained with, or chosen by.</param>
public sealed record CategorySpec(string[] Columns, string[][] Values, long[] Rows)
{
    /// <summary>The columns, and behind them the categories of each class.</summary>
    internal IEnumerable<string> Names => Columns.Concat(Values.SelectMany(each => each));

    /// <summary>log pi_c of each class in nats.</summary>
    public double[] LogFrequencies()
    {
        double all = Rows.Sum();
        return Array.ConvertAll(Rows, rows => Math.Log(rows / all));
    }
}
