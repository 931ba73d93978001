using FlowCli.RowFiles;

namespace FlowCli.Commands;

/// <summary>Written rows: values, then the further columns that were asked for.</summary>
internal sealed class RowOutput(Terminal terminal, string? path, string[] names, string[] include, RowType type) : IDisposable
{
    private readonly RowWriter writer = RowFile.Create(path, terminal.Output, [.. names, .. include], type);

    public void Write(double[] values, RowEngine.Results results)
    {
        terminal.Stop.ThrowIfCancellationRequested();
        int rows = results.LogProb.Length, width = names.Length;
        double[][] further = [.. include.Select(column => Column(column, results))];
        var row = new double[width + further.Length];
        for (int i = 0; i < rows; i++)
        {
            values.AsSpan(i * width, width).CopyTo(row);
            for (int j = 0; j < further.Length; j++)
                row[width + j] = further[j][i];
            writer.Write(row);
        }
    }

    public void Complete() => writer.Complete();

    public void Dispose() => writer.Dispose();

    private static double[] Column(string name, RowEngine.Results results) => name switch
    {
        ColumnNames.LogProb => results.LogProb,
        ColumnNames.LogDet => results.LogDet,
        _ => [.. results.LogBase.Zip(results.LogDet, (logBase, logDet) => logBase - logDet)],
    };
}
