using System.Security.Cryptography;
using FlowCli.RowFiles;
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
    /// Reads a whole table. With a label column, that column is no feature, and rows whose label is not 0 are left out; context
    /// columns are no features either.
    /// </summary>
    public static TrainingData Load(string path, string? label, string[]? context = null, string? contextClass = null)
    {
        using RowReader reader = RowFile.Open(path);
        int labelColumn = label is null ? -1 : Column(reader, "--label", label);
        int[] given = contextClass is not null
            ? [Column(reader, "--context-class", contextClass)]
            : [.. (context ?? []).Select(name => Column(reader, "--context", name))];
        if (given.Contains(labelColumn))
            throw new FlowException($"{path}: '{label}' cannot be both the label and a context");
        int[] columns = [.. Enumerable.Range(0, reader.Width).Where(column => column != labelColumn && !given.Contains(column))];
        if (columns.Length == 0)
            throw new FlowException($"{path}: has no column beside the label and the context");
        List<double> values = [], contexts = [];
        var positions = new List<long>();
        int leftOut = 0;
        var row = new double[reader.Width];
        while (reader.Read(row) > 0)
        {
            if (labelColumn >= 0 && row[labelColumn] != 0)
            {
                leftOut++;
                continue;
            }
            foreach (int column in columns)
                values.Add(row[column]);
            foreach (int column in given)
                contexts.Add(row[column]);
            positions.Add(reader.Position);
        }
        string[]? names = reader.Names is { } all ? [.. columns.Select(column => all[column])] : null;
        string name = reader is CsvRowReader ? "line" : "row";
        string[] conditions = contextClass is not null ? [contextClass] : context ?? [];
        Table? conditionTable = given.Length > 0 ? new Table([.. contexts], given.Length, conditions) : null;
        var table = new Table([.. values], columns.Length, names, conditionTable);
        ContextSpec? described = conditionTable is null ? null
            : contextClass is null ? new() { Size = given.Length, Features = conditions }
            : new() { Classes = ClassLabels.Count(conditionTable, path, at => $"{name} {positions[at]}, column '{contextClass}'"), Features = conditions };
        return new(table, described, [.. positions], name, leftOut, path, Sha256Of(path));
    }

    /// <summary>Refuses what no density can be fitted to.</summary>
    public void Check(ColumnFacts[] facts)
    {
        if (Table.Rows < DataSplit.FewestRows)
            throw new FlowException($"{File}: {Table.Rows} rows are too few to train on: at least {DataSplit.FewestRows} are needed");
        string[] constant = [.. Enumerable.Range(0, Table.Width).Where(column => facts[column].IsConstant).Select(Table.NameOf)];
        if (constant.Length > 0)
            throw new FlowException($"{File}: {string.Join(", ", constant)}: every row has the same value, so no density exists: leave such columns out");
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

    private static int Column(RowReader reader, string option, string name)
    {
        if (reader.Names is null)
            throw new FlowException($"{reader.Path}: has no header, so {option} {name} names no column");
        int column = Array.IndexOf(reader.Names, name);
        return column >= 0 ? column : throw new FlowException($"{reader.Path}: has no column '{name}'; its columns are {string.Join(", ", reader.Names)}");
    }
}
