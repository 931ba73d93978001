using System.Globalization;

namespace FlowCli.Benchmarking;

/// <summary>What the service can be told about computing a model.</summary>
/// <param name="BatchRows">The most rows in a batch.</param>
/// <param name="Threads">The cores that a batch is spread over.</param>
/// <param name="Instances">The engines that compute side by side.</param>
internal readonly record struct TuneSetting(int BatchRows, int Threads, int Instances)
{
    public int Cores => Threads * Instances;
}

/// <summary>What repeated measurements of a setting gave, in rows a second.</summary>
internal sealed record TuneMeasurement(TuneSetting Setting, double[] RowsPerSecond)
{
    public double Median { get; } = MedianOf(RowsPerSecond);

    /// <summary>How far the middle half of the repeats lies apart, as a share of their median.</summary>
    public double Spread => RowsPerSecond.Length < 2 ? 0 : (Quantile(0.75) - Quantile(0.25)) / Median;

    /// <summary>The time of a batch: what a request may wait for before its own begins.</summary>
    public TimeSpan Batch => TimeSpan.FromSeconds(Setting.BatchRows * (double)Setting.Instances / Median);

    private double Quantile(double share) => RowsPerSecond.Order().ElementAt((int)Math.Round(share * (RowsPerSecond.Length - 1)));

    private static double MedianOf(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>
/// Which settings are measured, and which one is proposed. Repeats go round all settings, so that a busy minute of the machine falls on all of them; a setting counts as better only where it
/// is so by more than repeats differ.
/// </summary>
internal static class Tuning
{
    // What a smaller setting may lose against the fastest one in any case.
    private const double Negligible = 0.03;

    private static readonly int[] Batches = [64, 128, 256, 512, 1024, 2048, 4096, 8192];

    /// <summary>The batches that are worth a look: those of rows that fit into some memory.</summary>
    public static IEnumerable<TuneSetting> BatchSettings(int width, int mostValues) =>
        Batches.Where((rows, i) => i == 0 || (long)rows * width <= mostValues).Select(rows => new TuneSetting(rows, 1, 1));

    /// <summary>The ways to divide some cores between engines, none of them using more than there are.</summary>
    public static IEnumerable<TuneSetting> CoreSettings(int batchRows, int cores, bool spreads)
    {
        int[] numbers = [.. Enumerable.Range(0, 31).Select(power => 1 << power).Where(number => number < cores), cores];
        return from threads in spreads ? numbers : [1] from instances in numbers where threads * instances <= cores select new TuneSetting(batchRows, threads, instances);
    }

    /// <summary>The smallest batch that is as fast as any, of those that take no longer than a request may wait; the smallest of all where each takes longer.</summary>
    public static TuneMeasurement BestBatch(IReadOnlyList<TuneMeasurement> measured, TimeSpan patience)
    {
        TuneMeasurement[] quick = [.. measured.Where(each => each.Batch <= patience)];
        return quick.Length == 0 ? measured.MinBy(each => each.Setting.BatchRows)! : Cheapest(quick, each => each.Setting.BatchRows);
    }

    /// <summary>The division of cores that takes the fewest of them, and then of engines, and is as fast as any.</summary>
    public static TuneMeasurement BestCores(IReadOnlyList<TuneMeasurement> measured) => Cheapest(measured, each => each.Setting.Cores * 1000 + each.Setting.Instances);

    /// <summary>How far repeats of one setting lie apart, of the settings' own middle one.</summary>
    public static double Noise(IReadOnlyList<TuneMeasurement> measured) => measured.Select(each => each.Spread).Order().ElementAt(measured.Count / 2);

    private static TuneMeasurement Cheapest(IReadOnlyList<TuneMeasurement> measured, Func<TuneMeasurement, int> cost)
    {
        double least = measured.Max(each => each.Median) * (1 - Math.Max(Negligible, Noise(measured)));
        return measured.Where(each => each.Median >= least).MinBy(cost)!;
    }

    /// <summary>Measures each setting so many times, in turns.</summary>
    public static IReadOnlyList<TuneMeasurement> Measure(EngineTimes engine, IEnumerable<TuneSetting> settings, int rounds, TimeSpan each, CancellationToken stop)
    {
        TuneSetting[] all = [.. settings];
        double[][] seen = [.. all.Select(_ => new double[rounds])];
        for (int round = 0; round < rounds; round++)
            for (int i = 0; i < all.Length; i++)
                seen[i][round] = engine.RowsPerSecond(all[i], each, stop);
        return [.. all.Select((setting, i) => new TuneMeasurement(setting, seen[i]))];
    }

    /// <summary>A share as people read it.</summary>
    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:F0} %");
}
