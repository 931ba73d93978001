using FlowRows;
using FlowRows.Tables;

namespace FlowCli.Training;

/// <summary>
/// The columns of a table to train on: features are all that nothing else is said of. What the flow is conditioned on, and behind it
/// the label, are read as the rows' context.
/// </summary>
internal sealed class TrainingLayout(TrainingRequest request) : RowLayout
{
    private const string Remedy = "; --exclude COLUMN leaves out a column that is not a feature, --categorical COLUMN learns the density of each of its categories. "
        + "Rows that lack a value must be left out of the file, or filled in; amounts are read without currency, percent sign and thousands separators. "
        + "Dates and times are not read: put numbers that say what matters in their place, such as days since a date, the hour, the day of the week";

    /// <summary>What to do about a cell that holds no number.</summary>
    public string RemedyOfCells => request.Label is null ? Remedy : $"{Remedy}. --label takes numbers: 0 for the rows to learn from";

    public override string Field => RowNames.X;

    /// <summary>The columns that the flow is conditioned on.</summary>
    public string[] Conditions { get; } = request.ContextClass is { } column ? [column] : request.Categorical.Length > 0 ? request.Categorical : request.Context;

    public override CategoryCodes? Categories { get; } = request.Categorical.Length > 0 ? new(request.Categorical) : null;

    private bool IsNamed => Others.Any() || request.Columns is not null;

    // In the order in which they are read: the label is the last one.
    private IEnumerable<string> Beside => request.Label is null ? Conditions : [.. Conditions, request.Label];

    private IEnumerable<string> Others => Beside.Concat(request.Exclude);

    public override bool AreWanted(IReadOnlyList<string> names) => IsNamed && Others.Concat(request.Columns ?? []).All(names.Contains);

    public override RowColumns Shaped(ReadOnlySpan<long> row, bool channelsLast)
    {
        if (row.Length > 1)
            throw Refused(RowFaultKind.WrongWidth, $"the array's rows have the shape ({string.Join(", ", row.ToArray())}); a table has (rows, columns), "
                + "and images are trained on by --flow glow or realnvp-image with --event C,H,W", Field);
        return Unnamed(row.Length == 0 ? 1 : (int)Math.Min(row[0], int.MaxValue));
    }

    public override string[]? Elements(string column) => null;

    protected override RowColumns ByName(NamedColumns columns)
    {
        if (request.Label is { } label && Conditions.Contains(label))
            throw Refused(RowFaultKind.InvalidArgument, $"'{label}' cannot be both the label and a context", label);
        if (Conditions.FirstOrDefault(request.Exclude.Contains) is { } contradicted)
            throw Refused(RowFaultKind.InvalidArgument, $"'{contradicted}' cannot be left out and also be a context", contradicted);
        int[] beside = [.. Beside.Select(name => At(columns, name, name == request.Label ? "--label" : request.Categorical.Length > 0 ? "--categorical" : request.ContextClass is null ? "--context" : "--context-class"))];
        var excluded = new HashSet<int>(request.Exclude.Select(name => At(columns, name, "--exclude")));
        int[] values = request.Columns is { } chosen
            ? [.. chosen.Select(name => At(columns, name, "--columns"))]
            : [.. Enumerable.Range(0, columns.Names.Count).Where(i => !beside.Contains(i) && !excluded.Contains(i))];
        if (values.FirstOrDefault(beside.Contains, -1) is >= 0 and var both)
            throw Refused(RowFaultKind.InvalidArgument, $"'{columns.Names[both].Shown()}' cannot be a feature and also the label or a context", columns.Names[both]);
        if (values.Length == 0)
            throw Refused(RowFaultKind.MissingColumn, "has no column beside the label and the context", Field);
        foreach (int i in values)
            Check(columns, columns.Names[i]);
        return new(values, beside, []);
    }

    protected override RowColumns ByPosition(int count)
    {
        if (IsNamed)
            throw Refused(RowFaultKind.InvalidArgument,
                $"has no header, so that {Others.Concat(request.Columns ?? []).First()} names no column", Field);
        if (count < 1)
            throw Refused(RowFaultKind.WrongWidth, "its rows have no values", Field);
        return new([.. Enumerable.Range(0, count)], [], []);
    }

    private static void Check(NamedColumns columns, string name)
    {
        if (name.Length == 0)
            throw Refused(RowFaultKind.UnknownColumn, "a feature's column has no name, as an index often has none; give it one, or leave it out by --columns", name);
        columns.At(name);
    }

    private static int At(NamedColumns columns, string name, string option) => columns.Has(name) ? columns.At(name)
        : throw Refused(RowFaultKind.MissingColumn, $"{option}: there is no column '{name.Shown()}'; the columns are {columns.Names.Listed(20)}", name);
}
