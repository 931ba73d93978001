using System.Globalization;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>What in the data makes log densities hard to trust.</summary>
internal static class DataWarnings
{
    private const double ManyDuplicates = 0.01, StepsApart = 300, PointMass = 0.1, NearlyConstant = 0.95;
    private const int FewRows = 50;

    public static IEnumerable<string> Of(TrainingData data, ColumnFacts[] facts, double[]? steps)
    {
        Table table = data.Table;
        foreach ((string[] names, string why) in ((string[], string)[])[
            ([.. data.Dropped.Except(data.TooLarge)], "every row has the same value"), (data.TooLarge, "the values are too large to be told apart in float64")])
            if (names.Length > 0)
                yield return $"{string.Join(", ", names.Select(name => $"column '{name}'"))}: {why}, so that it is left out, and passed over where rows are read";
        if (data.Context?.Categories is { } categories && categories.Rows.Count(rows => rows < FewRows) is > 0 and var few)
            yield return $"{few} of {categories.Rows.Length} combinations of categories have fewer than {FewRows} rows: their densities are borrowed from the others more than learnt";
        bool continuous = steps is null || steps.Any(step => step == 0);
        double duplicates = ColumnFacts.DuplicateShare(table);
        if (continuous && duplicates >= ManyDuplicates)
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{duplicates:P1} of the rows repeat an earlier row: a density can grow without bound there, and the same row may stand on both sides of the split");
        ColumnShape[] shapes = ColumnShape.Of(table, facts);
        for (int at = 0; at < table.Width; at++)
        {
            ColumnFacts column = facts[at];
            if (shapes[at].Commonest >= NearlyConstant)
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"{table.NameOf(at)}: {shapes[at].Commonest:P1} of the rows have the same value, so that the others are strange whatever they are: "
                    + $"if that is not meant, leave it out with --exclude {table.Names?[at] ?? $"{at + 1}"}");
            else if (shapes[at].Commonest >= PointMass && column.Step == 0)
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"{table.NameOf(at)}: {shapes[at].Commonest:P1} of the rows have the same value, among others that vary: a density can grow without bound there");
            if (column.Step > 0 && !column.IsInteger && steps is not null && steps[at] == 0)
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"{table.NameOf(at)}: its values are multiples of {column.Step}, fewer than there are rows: a density can grow without bound at them, "
                    + $"and --dequantize all spreads them over their steps");
            if (column.Deviation < StepsApart * column.Float32Step)
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"{table.NameOf(at)}: float32 tells its values apart by {column.Float32Step:G3} at least, and their deviation is "
                    + $"{column.Deviation:G3}. The flow is trained on them exactly; a server computes in float32 and rounds what it is sent, so "
                    + $"subtract an offset before training and before asking, or score by `flow logprob --dtype float64`");
            if (IsConsecutive(table, at))
                yield return $"{table.NameOf(at)}: its values count the rows, as an id does, and tell nothing of a row: "
                    + $"leave it out with --exclude {table.Names?[at] ?? $"{at + 1}"}";
        }
    }

    /// <summary>Whether integers go up, or down, from row to row, or are those of a range in another order.</summary>
    private static bool IsConsecutive(Table table, int column)
    {
        double[] values = [.. Enumerable.Range(0, table.Rows).Select(row => table.Values[row * table.Width + column])];
        if (values.Length < 2 || values.Any(value => value != Math.Floor(value)))
            return false;
        // Rows that were left out leave gaps, but not the order.
        double[] steps = Steps(values);
        if (steps.All(step => step > 0) || steps.All(step => step < 0))
            return true;
        Array.Sort(values);
        return Steps(values).All(step => step == 1);
    }

    private static double[] Steps(double[] values) => [.. values.Zip(values.Skip(1), (one, next) => next - one)];
}
