using System.Globalization;
using FlowCore;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>Refuses tables whose rows have no density, or none that a few rows could show, by the names of the columns.</summary>
internal static class DensityChecks
{
    private const int MostShown = 5, MostTerms = 8;
    private const double LargestValue = 1e37, LeastDeviation = 1e-30;

    // The share of the rows that must not be the first of their class.
    private const double LeastRepeated = 0.1;

    public static void Check(TrainingData data, ColumnFacts[] facts)
    {
        Table table = data.Table;
        int wide = table.Width + (data.Context is { Classes: null } context ? context.Width : 0);
        if (table.Rows <= wide)
            throw new FlowException(
                $"{data.File}: {table.Rows} rows of {wide} columns lie in a plane, whatever they are: more rows than columns are needed, "
                + "better ten times as many");
        if (data.Context is { Classes: { } classes } given && table.Rows - classes < Math.Max(table.Width, LeastRepeated * table.Rows))
            throw new FlowException(
                $"{data.File}: {table.Rows} rows have {classes} {(given.Categories is { } known ? $"categories of '{string.Join("' and '", known.Columns)}'" : "classes")}, "
                + "hardly one of which has rows to learn from: a column that names its rows is no category, so leave it out with --exclude");
        for (int column = 0; column < table.Width; column++)
            if (facts[column].Extent > LargestValue || facts[column].Deviation < LeastDeviation)
                throw new FlowException(string.Create(CultureInfo.InvariantCulture,
                    $"{data.File}: {table.NameOf(column)}: its values reach {facts[column].Extent:G3} and deviate by "
                    + $"{facts[column].Deviation:G3}, which float32 cannot hold: choose another unit"));
        List<LinearRule> rules = LinearDependence.Find(table, data.Context?.Classes is not null);
        if (rules.Count == 0)
            return;
        string exclude = string.Join(',', rules.Select(rule => NameOf(table, rule.Column)));
        string more = rules.Count > MostShown ? $"; and {rules.Count - MostShown} more" : "";
        throw new FlowException(
            $"{data.File}: {string.Join("; ", rules.Take(MostShown).Select(rule => Sentence(table, rule)))}{more}: "
            + $"such rows have no density, so leave {(rules.Count == 1 ? "it" : "them")} out with --exclude {exclude}");
    }

    /// <summary>column 'c' is determined by 'a' and 'b' (c = 1 a + 1 b).</summary>
    private static string Sentence(Table table, LinearRule rule)
    {
        string[] by = [.. rule.Terms.Select(term => table.Names is null ? term.Column : $"'{term.Column}'")];
        if (by.Length > MostTerms)
            return $"{table.NameOf(rule.Column)} is determined by {string.Join(", ", by[..MostTerms])} and {by.Length - MostTerms} more";
        string listed = by.Length == 1 ? by[0] : $"{string.Join(", ", by[..^1])} and {by[^1]}";
        string sum = string.Join(" + ", rule.Terms.Select(term => $"{Number(term.Factor)} {term.Column}"));
        string constant = rule.Constant != 0 ? $" + {Number(rule.Constant)}" : "";
        string formula = $"{NameOf(table, rule.Column)} = {sum}{constant}".Replace("+ -", "- ", StringComparison.Ordinal);
        return $"{table.NameOf(rule.Column)} is determined by {listed} ({formula})";
    }

    private static string NameOf(Table table, int column) =>
        table.Names?[column] ?? (column + 1).ToString(CultureInfo.InvariantCulture);

    private static string Number(double value)
    {
        double near = Math.Round(value, 4);
        return Math.Abs(near - value) <= 1e-6 * Math.Abs(value)
            ? near.ToString(CultureInfo.InvariantCulture)
            : value.ToString("G5", CultureInfo.InvariantCulture);
    }
}
