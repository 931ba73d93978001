using System.Globalization;
using System.Text;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Calibration;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>What a model card says of each column of a table, what is done to it, and which score tells strange rows.</summary>
internal static class ColumnsCard
{
    private const int MostColumns = 100;

    public static void Write(StringBuilder card, CardFacts facts)
    {
        Table rows = Table.Joined(facts.Split.Train, facts.Split.Validation);
        ColumnFacts[] columns = ColumnFacts.Of(rows);
        ColumnShape[] shapes = ColumnShape.Of(rows, columns);
        card.AppendLine().AppendLine("## Columns").AppendLine();
        card.AppendLine("| column | values | kurtosis | commonest value | what is done |").AppendLine("|---|---|---:|---:|---|");
        bool tames = facts.Spec.Bijections.Any(bijection => bijection is ElementwiseSpec { Element: ArcsinhElementSpec });
        for (int at = 0; at < Math.Min(MostColumns, columns.Length); at++)
            card.AppendLine(CultureInfo.InvariantCulture,
                $"| {Cell(rows.Names?[at] ?? $"{at + 1}")} | {Values(columns[at])} | {shapes[at].Kurtosis:0.0} | {shapes[at].Commonest:P1} of the rows | {Done(facts.Plan.Steps?[at] ?? 0, tames)} |");
        if (columns.Length > MostColumns)
            card.AppendLine(CultureInfo.InvariantCulture, $"| {columns.Length - MostColumns} more | | | | alike |");
        foreach (string dropped in facts.Plan.Data.Dropped)
            card.AppendLine(CultureInfo.InvariantCulture, $"| {Cell(dropped)} | the same in every row | | | left out |");
        if (facts.Plan.Steps is not null && facts.Plan.Steps.Any(step => step > 0))
            card.AppendLine().AppendLine("What is drawn of a dequantised column lies around its values, and belongs to the nearest: round it.");
        Score(card, facts.Calibration, Median.Of([.. shapes.Select(shape => shape.Kurtosis)]));
    }

    private static void Score(StringBuilder card, CalibrationSet calibration, double kurtosis)
    {
        card.AppendLine().AppendLine("## Which rows are strange").AppendLine();
        if (calibration.Kernel is not { Density: var density })
            card.AppendLine("p-values are of the log density (`log_prob`), unless another `score` is asked for.");
        else
            card.AppendLine(CultureInfo.InvariantCulture,
                $"p-values are of `{Names[(int)calibration.Usual]}`, the log density and the nearness to {density.Count} training rows together, unless another `score` is asked for: neither of the two is better on every table. "
                + $"Nearness is measured in {(density.Coordinates.AreRanks ? "normal scores of the columns' ranks, linear beyond them" : "units of the columns' spread")}, since their median kurtosis, {kurtosis:0.0}, "
                + $"is {(density.Coordinates.AreRanks ? "" : "not ")}above {ScoreCoordinates.HeavyTails:0}.");
    }

    private static string[] Names => FlowRows.Scoring.ScoreRequest.Names;

    // A bar would end it.
    private static string Cell(string name) => name.Replace("|", "\\|", StringComparison.Ordinal);

    private static string Values(ColumnFacts column) => column.Step == 0 ? "continuous"
        : column.IsInteger && column.Step == 1 ? "integers" : string.Create(CultureInfo.InvariantCulture, $"in steps of {column.Step}");

    private static string Done(double step, bool tames) => string.Join(", ", new[]
    {
        step > 0 ? string.Create(CultureInfo.InvariantCulture, $"dequantised by {step}") : null, "standardised", tames ? "arcsinh of its own skew and tails" : null,
    }.OfType<string>());
}
