using System.Security.Cryptography;
using FlowCore;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>
/// A file's rows to train on, and where each stands in the file; what they are conditioned on, what was left out, and what the
/// file was.
/// </summary>
internal sealed record TrainingData(Table Table, ContextSpec? Context, long[] Positions, string PositionName, int LeftOut, string File, string Sha256)
{
    /// <summary>
    /// Reads a whole table. With a label column, that column is not a feature, and rows whose label is not 0 are left out; context
    /// columns are not features either.
    /// </summary>
    public static TrainingData Load(TrainingRequest request, Terminal terminal)
    {
        var layout = new TrainingLayout(request);
        (TrainingTable read, string path) = (TrainingTable.Read(request.Data, layout, request, terminal), request.Data);
        string[] conditions = layout.Conditions;
        ContextSpec? described = null;
        Table? conditionTable = null;
        if (layout.Categories is { } codes)
        {
            (CategorySpec categories, double[] classes) = codes.Learnt(read.Context);
            described = new() { Classes = categories.Values.Length, Categories = categories };
            conditionTable = new Table(classes, 1, [string.Join(", ", categories.Columns)]);
        }
        else if (conditions.Length > 0)
        {
            conditionTable = new Table(read.Context, conditions.Length, conditions);
            described = request.ContextClass is not { } column
                ? new() { Size = conditions.Length, Features = conditions }
                : new() { Classes = ClassLabels.Count(conditionTable, path, at => $"row {read.Positions[at]}, column '{column}'"), Features = conditions };
        }
        var table = new Table(read.Values, read.Width, read.Names, conditionTable);
        return new(table, described, read.Positions, "row", read.LeftOut, path, Sha256Of(path));
    }

    /// <summary>The names of columns that were left out, since every row has the same value in them.</summary>
    public string[] Dropped { get; private init; } = [];

    /// <summary>Those of them whose values may differ, and are too large for float64 to tell them apart.</summary>
    public string[] TooLarge { get; private init; } = [];

    /// <summary>Without the constant columns of a table whose columns have names: of others, rows could not be told from whole ones.</summary>
    public TrainingData WithoutConstants(ColumnFacts[] facts)
    {
        int[] kept = [.. Enumerable.Range(0, Table.Width).Where(column => !facts[column].IsConstant)];
        if (Table.Names is not { } names || kept.Length == Table.Width || kept.Length == 0)
            return this;
        var values = new double[Table.Rows * kept.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = Table.Values[i / kept.Length * Table.Width + kept[i % kept.Length]];
        return this with
        {
            Table = new Table(values, kept.Length, [.. kept.Select(column => names[column])], Table.Context),
            Dropped = [.. names.Where((_, column) => facts[column].IsConstant)],
            TooLarge = [.. names.Where((_, column) => facts[column].IsTooLarge)],
        };
    }

    /// <summary>Images, each with its own means as context.</summary>
    public TrainingData WithMeans(FlowSpec spec)
    {
        var means = new double[Table.Rows * spec.ContextWidth];
        DownSampling.Of(spec)!.Means<double>(Table.Values, means);
        return this with { Table = new Table(Table.Values, Table.Width, Table.Names, new Table(means, spec.ContextWidth)), Context = spec.Context };
    }

    /// <summary>Refuses what no density can be fitted to.</summary>
    public void Check(ColumnFacts[] facts)
    {
        if (Table.Rows == 0)
            throw new FlowException(
                $"{File}: has no rows to train on{(LeftOut > 0 ? $": {LeftOut} rows whose label is not 0 are left out" : "")}");
        if (DataSplit.TooFew(Table.Rows) is { } fault)
            throw new FlowException($"{File}: {fault}");
        string[] large = [.. Enumerable.Range(0, Table.Width).Where(column => facts[column].IsTooLarge).Select(Table.NameOf)];
        if (large.Length > 0)
            throw new FlowException($"{File}: {string.Join(", ", large)}: the values are too large to be told apart in float64: subtract an offset, or leave such columns out");
        string[] constant = [.. Enumerable.Range(0, Table.Width).Where(column => facts[column].IsConstant).Select(Table.NameOf)];
        if (constant.Length > 0)
            throw new FlowException($"{File}: {string.Join(", ", constant)}: every row has the same value, so no density exists: leave such columns out"
                + (constant.Length < Table.Width && Table.Names is not null ? " (--drop-constant does)" : ""));
        if (Table.Context is not { } context)
            return;
        ColumnFacts[] given = ColumnFacts.Of(context);
        string[] alike = [.. Enumerable.Range(0, context.Width).Where(column => given[column].IsConstant).Select(context.NameOf)];
        if (alike.Length > 0)
            throw new FlowException($"{File}: {string.Join(", ", alike)}: every row has the same value, so there is nothing to condition on: leave such contexts out");
    }

    internal static string Sha256Of(string path)
    {
        using FileStream file = System.IO.File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
