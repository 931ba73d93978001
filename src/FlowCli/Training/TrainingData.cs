using System.Security.Cryptography;
using FlowCli.RowFiles;
using FlowCore;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>A file's rows to train on, and where each stands in the file; what was left out, and what the file was.</summary>
internal sealed record TrainingData(Table Table, long[] Positions, string PositionName, int LeftOut, string File, string Sha256)
{
    /// <summary>Reads a whole file. With a label column, that column is no feature, and rows whose label is not 0 are left out.</summary>
    public static TrainingData Load(string path, string? label)
    {
        using RowReader reader = RowFile.Open(path);
        int labelColumn = label is null ? -1 : LabelColumn(reader, label);
        int[] columns = [.. Enumerable.Range(0, reader.Width).Where(column => column != labelColumn)];
        if (columns.Length == 0)
            throw new FlowException($"{path}: has no column beside the label");
        var values = new List<double>();
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
            positions.Add(reader.Position);
        }
        string[]? names = reader.Names is { } all ? [.. columns.Select(column => all[column])] : null;
        var table = new Table([.. values], columns.Length, names);
        using FileStream file = System.IO.File.OpenRead(path);
        string name = reader is CsvRowReader ? "line" : "row";
        return new(table, [.. positions], name, leftOut, path, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    /// <summary>Refuses what no density can be fitted to.</summary>
    public void Check(ColumnFacts[] facts)
    {
        if (Table.Rows < DataSplit.FewestRows)
            throw new FlowException($"{File}: {Table.Rows} rows are too few to train on: at least {DataSplit.FewestRows} are needed");
        string[] constant = [.. Enumerable.Range(0, Table.Width).Where(column => facts[column].IsConstant).Select(Table.NameOf)];
        if (constant.Length > 0)
            throw new FlowException($"{File}: {string.Join(", ", constant)}: every row has the same value, so no density exists: leave such columns out");
    }

    private static int LabelColumn(RowReader reader, string label)
    {
        if (reader.Names is null)
            throw new FlowException($"{reader.Path}: has no header, so --label {label} names no column");
        int column = Array.IndexOf(reader.Names, label);
        return column >= 0 ? column : throw new FlowException($"{reader.Path}: has no column '{label}'; its columns are {string.Join(", ", reader.Names)}");
    }
}
