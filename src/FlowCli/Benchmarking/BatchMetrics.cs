using System.Globalization;
using System.Text.RegularExpressions;

namespace FlowCli.Benchmarking;

/// <summary>Rows and batches that a service has computed for a model so far, from its Prometheus text.</summary>
internal readonly partial record struct BatchMetrics(double Rows, double Batches)
{
    public static BatchMetrics operator -(BatchMetrics later, BatchMetrics earlier) =>
        new(later.Rows - earlier.Rows, later.Batches - earlier.Batches);

    /// <summary>The mean number of rows in a batch; null where none was computed.</summary>
    public double? MeanRows => Batches > 0 ? Rows / Batches : null;

    /// <summary>Sums the histogram of rows in a batch over its other labels.</summary>
    public static BatchMetrics Parse(string text, string model)
    {
        double rows = 0, batches = 0;
        foreach (Match line in Line().Matches(text))
        {
            if (!line.Groups["labels"].Value.Contains($"model=\"{model}\"", StringComparison.Ordinal))
                continue;
            double value = double.Parse(line.Groups["value"].Value, CultureInfo.InvariantCulture);
            if (line.Groups["part"].Value == "sum")
                rows += value;
            else
                batches += value;
        }
        return new(rows, batches);
    }

    [GeneratedRegex(@"^flowservice_batch_rows\w*?_(?<part>sum|count)\{(?<labels>[^}]*)\} (?<value>[0-9.eE+-]+)", RegexOptions.Multiline)]
    private static partial Regex Line();
}
