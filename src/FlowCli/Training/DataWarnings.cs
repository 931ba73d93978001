using System.Globalization;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>What in the data makes log densities hard to trust.</summary>
internal static class DataWarnings
{
    private const double ManyDuplicates = 0.01, StepsApart = 300, PointMass = 0.1, NearlyConstant = 0.95;
    private const int FewRows = 50, SpeltOut = 4, MostNamed = 8;

    public static IEnumerable<string> Of(TrainingData data, ColumnFacts[] facts, double[]? steps)
    {
        Table table = data.Table;
        foreach ((string[] names, string why) in ((string[], string)[])[
            ([.. data.Dropped.Except(data.TooLarge)], "every row has the same value"), (data.TooLarge, "the values are too large to be told apart in float64")])
            if (names.Length > 0)
                yield return $"{Listed([.. names.Select(name => $"column '{name}'")])}: {why}, so that it is left out, and passed over where rows are read";
        if (data.Context?.Categories is { } categories && categories.Rows.Count(rows => rows < FewRows) is > 0 and var few)
            yield return $"{few} of {categories.Rows.Length} combinations of categories have fewer than {FewRows} rows: their densities are borrowed from the others more than learnt";
        bool continuous = steps is null || steps.Any(step => step == 0);
        double duplicates = ColumnFacts.DuplicateShare(table);
        if (continuous && duplicates >= ManyDuplicates)
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{duplicates:P1} of the rows repeat an earlier row: a density can grow without bound there, and the same row may stand on both sides of the split");
        ColumnShape[] shapes = ColumnShape.Of(table, facts);
        foreach (Func<int, string?> of in (Func<int, string?>[])[Lone, Massed, Multiples, Rounded, Counting])
            foreach (string warning in Grouped(table, of))
                yield return warning;

        string? Lone(int at) => shapes[at].Commonest < NearlyConstant ? null : string.Create(CultureInfo.InvariantCulture,
            $"{shapes[at].Commonest:P1} of the rows have the same value, so that the others are strange whatever they are: "
            + $"if that is not meant, {LeaveOut(at)}");

        string? Massed(int at) => shapes[at].Commonest is < PointMass or >= NearlyConstant || facts[at].Step > 0 ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"{shapes[at].Commonest:P1} of the rows have the same value, among others that vary: a density can grow without bound there");

        string? Multiples(int at) => facts[at].Step <= 0 || facts[at].IsInteger || steps is null || steps[at] != 0 ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"its values lie in steps of {facts[at].Step}, fewer than there are rows: a density can grow without bound at them, "
            + $"and --dequantize all spreads them over their steps");

        string? Rounded(int at) => facts[at].Deviation >= StepsApart * facts[at].Float32Step ? null : string.Create(CultureInfo.InvariantCulture,
            $"float32 tells its values apart by {facts[at].Float32Step:G3} at least, and their deviation is {facts[at].Deviation:G3}. "
            + $"The flow is trained on them exactly; a server computes in float32 and rounds what it is sent, so "
            + $"subtract an offset before training and before asking, or score by `flow logprob --dtype float64`");

        string? Counting(int at) => IsConsecutive(table, at)
            ? $"its values count the rows, as an id does, and tell nothing of a row: {LeaveOut(at)}"
            : null;

        string LeaveOut(int at) => $"leave it out with --exclude {table.Names?[at] ?? $"{at + 1}"}";
    }

    /// <summary>What is to be said of some columns: of the first few in full, of all others that it holds of the same.</summary>
    private static IEnumerable<string> Grouped(Table table, Func<int, string?> of)
    {
        (int At, string Text)[] found = [.. Enumerable.Range(0, table.Width).Select(at => (at, of(at)!)).Where(each => each.Item2 is not null)];
        foreach (var (at, text) in found.Take(SpeltOut))
            yield return $"{table.NameOf(at)}: {text}";
        if (found.Length > SpeltOut)
            yield return $"likewise {Listed([.. found.Skip(SpeltOut).Select(each => table.NameOf(each.At))])}";
    }

    private static string Listed(string[] columns) => columns.Length <= MostNamed + 1
        ? string.Join(", ", columns)
        : $"{string.Join(", ", columns.Take(MostNamed))} and {columns.Length - MostNamed} more columns";

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
