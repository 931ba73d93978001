using System.Globalization;
using FlowCore.Densities;
using FlowCore.Training;

namespace FlowBenchmarks.Anomaly;

/// <summary>A table whose last column, <c>label</c>, tells anomalies (1) from normal rows (0), cut as the protocol of ADBench does: 70 % of the normal rows to learn from.</summary>
internal sealed record LabelledTable(string Name, Table Train, Table Normal, Table Anomalous)
{
    private const double TrainShare = 0.7;

    public static LabelledTable Read(string path, ulong seed)
    {
        List<double[]> normal = [], anomalous = [];
        using StreamReader file = File.OpenText(path);
        string[] names = file.ReadLine()!.Split(',')[..^1];
        while (file.ReadLine() is { } line)
        {
            double[] row = [.. line.Split(',').Select(cell => double.Parse(cell, CultureInfo.InvariantCulture))];
            (row[^1] == 0 ? normal : anomalous).Add(row[..^1]);
        }
        int[] order = [.. Enumerable.Range(0, normal.Count)];
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = (int)(Philox.At((uint)i, 0, 0, 9, (uint)seed, 0).W0 % (uint)(i + 1));
            (order[i], order[j]) = (order[j], order[i]);
        }
        int train = (int)(TrainShare * order.Length);
        Table Of(IEnumerable<double[]> rows) => new([.. rows.SelectMany(row => row)], names.Length, names);
        return new(
            Path.GetFileNameWithoutExtension(path), Of(order[..train].Select(i => normal[i])), Of(order[train..].Select(i => normal[i])), Of(anomalous));
    }
}
