namespace FlowCore.Training;

/// <summary>One term of a rule: a column times a number.</summary>
public sealed record LinearTerm(string Column, double Factor);

/// <summary>A column that is a constant plus a multiple of each of a few others, in every row, to rounding.</summary>
public sealed record LinearRule(int Column, LinearTerm[] Terms, double Constant);

/// <summary>
/// Columns that other columns, or the context, determine: rows that lie in a plane have no density. Each column is compared with
/// its least-squares fit by those before it, as the values stand in the table: the noise that spreads integers later tells nothing.
/// It is determined where the residuals are below <see cref="Tolerance"/> of its spread, or below a hundredth of it and explained,
/// every one of them, by the rounding of the columns to the decimals, or to the float32, in which they are written.
/// </summary>
public static class LinearDependence
{
    public const double Tolerance = 1e-5;

    private const double RoundedTolerance = 1e-2, SmallestPivot = 1e-13;
    private const int MostFittedRows = 20_000;

    /// <summary>The rules that hold in a table, by the column that they determine; a class counts as one column for each value.</summary>
    public static List<LinearRule> Find(Table table, bool byClass = false)
    {
        ContextCode code = ContextCode.Of(table.Context, byClass);
        Table joined = code.InFront(table);
        ColumnFacts[] facts = ColumnFacts.Of(joined);
        IEnumerable<string> features = table.Names ?? Enumerable.Range(0, table.Width).Select(column => $"column {column + 1}");
        string[] names = [.. code.Names(table.Context), .. features];
        CholeskyFit fit = CholeskyFit.Of(Fitted(joined), facts);
        double[] rounding = [.. Enumerable.Range(0, joined.Width).Select(column => Rounding(joined, column))];
        var rules = new List<LinearRule>();
        var basis = new List<int>();
        for (int column = 0; column < joined.Width; column++)
        {
            bool isKnown = facts[column].IsConstant;
            if (!isKnown && basis.Count > 0 && fit.Unexplained(basis, column) <= RoundedTolerance * RoundedTolerance
                && Rule(joined, facts, rounding, fit, basis, column) is { } rule)
            {
                isKnown = true;
                IEnumerable<LinearTerm> terms = rule.Columns.Zip(rule.Factors, (each, factor) => new LinearTerm(names[each], factor));
                if (column >= code.Width)
                    rules.Add(new(column - code.Width, [.. terms], rule.Constant));
            }
            if (!isKnown && fit.Unexplained(basis, column) > SmallestPivot)
                basis.Add(column);
        }
        return rules;
    }

    private sealed record Fit(int[] Columns, double[] Factors, double Constant);

    /// <summary>The rule of the fewest columns, or null: the least term is left out as long as a rule holds without it.</summary>
    private static Fit? Rule(Table table, ColumnFacts[] facts, double[] rounding, CholeskyFit fit, List<int> basis, int column)
    {
        int[] columns = [.. basis];
        Fit? best = null;
        while (columns.Length > 0)
        {
            double[] factors = fit.Factors(columns, column);
            double[] means = [facts[column].Mean, .. columns.Zip(factors, (each, factor) => -factor * facts[each].Mean)];
            // A constant that rounding of the means would give is none.
            double constant = Math.Abs(means.Sum()) > 1e-9 * means.Sum(Math.Abs) ? means.Sum() : 0;
            var next = new Fit(columns, factors, constant);
            if (!Holds(table, facts, rounding, next, column))
                break;
            best = next;
            double[] weights = [.. columns.Zip(factors, (each, factor) => Math.Abs(factor) * facts[each].Deviation)];
            // What counts for nothing goes at once, the least of the rest one by one.
            int[] fewer = [.. columns.Where((_, i) => weights[i] > Tolerance * facts[column].Deviation)];
            int least = Array.IndexOf(weights, weights.Min());
            columns = fewer.Length < columns.Length ? fewer : [.. columns.Where((_, i) => i != least)];
        }
        return best;
    }

    private static bool Holds(Table table, ColumnFacts[] facts, double[] rounding, Fit fit, int column)
    {
        var residuals = new double[table.Rows];
        double squares = 0, largest = 0;
        for (int row = 0; row < residuals.Length; row++)
        {
            ReadOnlySpan<double> values = table.Row(row);
            // About the means: values far from 0 keep their digits.
            double rest = values[column] - facts[column].Mean;
            for (int i = 0; i < fit.Columns.Length; i++)
                rest -= fit.Factors[i] * (values[fit.Columns[i]] - facts[fit.Columns[i]].Mean);
            residuals[row] = Math.Abs(rest);
            squares += rest * rest;
            largest = Math.Max(largest, residuals[row]);
        }
        double root = Math.Sqrt(squares / residuals.Length), middle = Median.Of(residuals);
        double deviation = facts[column].Deviation, spread = Spread(table, column, deviation);
        bool IsBelow(double share) => root <= share * deviation && middle <= share * spread;
        double explained = rounding[column];
        for (int i = 0; i < fit.Columns.Length; i++)
            explained += Math.Abs(fit.Factors[i]) * rounding[fit.Columns[i]];
        return IsBelow(Tolerance) || IsBelow(RoundedTolerance) && largest <= 2 * explained;
    }

    /// <summary>The deviation, or the distance of the quartiles where that is less: a code such as -999999 widens only the first.</summary>
    private static double Spread(Table table, int column, double deviation)
    {
        var values = new double[table.Rows];
        for (int row = 0; row < values.Length; row++)
            values[row] = table.Values[row * table.Width + column];
        Array.Sort(values);
        double quartiles = values[values.Length * 3 / 4] - values[values.Length / 4];
        return quartiles > 0 ? Math.Min(quartiles, deviation) : deviation;
    }

    /// <summary>Half a step of the last decimal that a column is written with, or of float32.</summary>
    private static double Rounding(Table table, int column)
    {
        const int mostDecimals = 6;
        double largest = 0;
        int decimals = 0;
        bool single = true;
        for (int row = 0; row < table.Rows; row++)
        {
            double value = table.Values[row * table.Width + column];
            largest = Math.Max(largest, Math.Abs(value));
            single &= (float)value == value;
            double step = Math.BitIncrement(Math.Abs(value)) - Math.Abs(value);
            while (decimals <= mostDecimals && Math.Abs(value - Math.Round(value, decimals)) > 4 * step)
                decimals++;
        }
        return decimals <= mostDecimals ? 0.5 * Math.Pow(10, -decimals)
            : single ? 0.5 * (MathF.BitIncrement((float)largest) - (float)largest)
            : 0.5 * (Math.BitIncrement(largest) - largest);
    }

    /// <summary>Rows enough to find what may be a rule; whether it is one, all rows say.</summary>
    private static Table Fitted(Table table)
    {
        int step = Math.Max(1, table.Rows / MostFittedRows);
        if (step == 1)
            return table;
        Table some = table.Take([.. Enumerable.Range(0, table.Rows / step).Select(i => i * step)]);
        return ColumnFacts.Of(some).Any(column => column.IsConstant) ? table : some;
    }
}
