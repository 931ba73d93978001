using System.Globalization;
using System.Numerics.Tensors;
using FlowCore;
using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Tensors;
using FlowCore.Training;
using FlowCore.Training.Mixtures;

namespace FlowBenchmarks.Anomaly;

/// <summary>
/// The default of <c>flow train</c> on labelled tables beside what it must beat, by the protocol of ADBench (Han et al. 2022, arXiv
/// 2206.09426): 70 % of the normal rows to learn from, AUROC and AUPRC of the others and the anomalies, mean of some seeds.
/// </summary>
internal static class AnomalyTable
{
    private sealed record Result(string Method, Ranking Ranking, double Mean, double Median, int Steps, double Seconds, string Note);

    // Of more columns a component of fewer rows than columns is not tried: it would take hours, and no component of so few rows wins.
    private const int ManyColumns = 100;

    public static void Print(TextWriter output, string folder, int seeds, double seconds, string[] only)
    {
        Libtorch.Threads = 1;
        output.WriteLine("| set | method | AUROC x 100 | AUPRC x 100 | held-out mean, nats | median, nats | steps | CPU s | |");
        output.WriteLine("|---|---|---:|---:|---:|---:|---:|---:|---|");
        var all = new List<(string Method, double Auroc)>();
        foreach (string path in Directory.EnumerateFiles(folder, "*.csv").Order().Where(path => only.Length == 0 || only.Contains(Path.GetFileNameWithoutExtension(path))))
        {
            var results = Enumerable.Range(0, seeds).SelectMany(seed => Run(LabelledTable.Read(path, (ulong)seed), (ulong)seed, seconds));
            foreach (var method in results.GroupBy(result => result.Method))
            {
                Result[] each = [.. method];
                double Mean(Func<Result, double> of) => each.Average(of);
                all.Add((method.Key, Mean(result => result.Ranking.Auroc)));
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"| {Path.GetFileNameWithoutExtension(path)} | {method.Key} | {100 * Mean(result => result.Ranking.Auroc):F1} | {100 * Mean(result => result.Ranking.Auprc):F1} "
                    + $"| {Number(Mean(result => result.Mean))} | {Number(Mean(result => result.Median))} | {Mean(result => result.Steps):F0} | {Mean(result => result.Seconds):F1} | {string.Join("; ", each.Select(result => result.Note).Distinct())} |"));
                output.Flush();
            }
        }
        foreach (var method in all.GroupBy(each => each.Method))
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| all | {method.Key} | {100 * method.Average(each => each.Auroc):F2} | | | | | | {method.Count()} sets |"));
    }

    private static string Number(double value) => double.IsNaN(value) ? "" : value.ToString("F2", CultureInfo.InvariantCulture);

    private static IEnumerable<Result> Run(LabelledTable table, ulong seed, double seconds)
    {
        ColumnFacts[] facts = ColumnFacts.Of(table.Train);
        int[] kept = [.. Enumerable.Range(0, facts.Length).Where(column => !facts[column].IsConstant)];
        Table train = Units(table.Train, facts, kept), normal = Units(table.Normal, facts, kept), anomalous = Units(table.Anomalous, facts, kept);
        double logScale = kept.Sum(column => Math.Log(facts[column].Deviation));

        GaussianBaseline gaussian = GaussianBaseline.Fit(train);
        yield return Of("Gaussian", gaussian.LogProb);

        MixtureFit mixture = Mixture(train, seed);
        yield return Of("GMM", mixture.LogProb, note: $"{mixture.Components} components");
        double[] steps = ValueSteps.ToSpread([.. kept.Select(column => facts[column])], decimals: false);
        if (steps.Any(step => step > 0))
            yield return Of("GMM of cells", Mixture(Spread(train, [.. kept.Select((column, at) => steps[at] / facts[column].Deviation)], seed), seed).LogProb);
        yield return new("kNN", Ranking.Of(Neighbours.Score(train, normal), Neighbours.Score(train, anomalous)), double.NaN, double.NaN, 0, 0, "");

        Table Raw(Table rows) => new([.. Enumerable.Range(0, rows.Rows).SelectMany(row => kept.Select(column => rows.Values[row * facts.Length + column]))], kept.Length);
        Table known = Raw(table.Train);
        using TrainedFlow trained = FlowSearch.Train(
            FlowSearch.Auto, preset => FlowPresets.Create(preset, "benchmark", kept.Length, steps, farFromZero: FarFromZero.Of(known)), DataSplit.By(known, seed),
            new() { Seed = seed, Refit = true, MaxProcessorTime = TimeSpan.FromSeconds(seconds) });
        using FlowEngine<double> engine = Engine.Open<double>(Checkpoint.Of(trained.Flow));
        double[] usual = Evaluation.LogProbOf(engine, Raw(table.Normal)), unusual = Evaluation.LogProbOf(engine, Raw(table.Anomalous));
        yield return new("flow", Ranking.Of(usual, unusual), usual.Average(), Median.Of(usual), trained.Tried.Sum(tried => tried.Steps), trained.ProcessorTime.TotalSeconds,
            $"{trained.Preset}{(trained.Refitted ? ", refitted" : "")} [{string.Join(", ", trained.Tried.Select(tried => FormattableString.Invariant($"{tried.Preset} {tried.Score:F2} {tried.Steps}")))}]");

        yield return new("latent norm", Ranking.Of(LessNorm(engine, Raw(table.Normal)), LessNorm(engine, Raw(table.Anomalous))), double.NaN, double.NaN, 0, 0, "");

        DataSplit cut = DataSplit.By(known, seed);
        CalibrationSet calibration = CalibrationRun.Of(Checkpoint.Of(trained.Flow), cut.Test, KernelDensity.Of(Table.Joined(cut.Train, cut.Validation)));
        KernelScale kernel = calibration.Kernel!;
        double[] Near(Table rows) => [.. Enumerable.Range(0, rows.Rows).Select(row => kernel.Density.LogDensity(rows.Row(row)))];
        double[] near = Near(Raw(table.Normal)), far = Near(Raw(table.Anomalous));
        yield return new("kernel", Ranking.Of(near, far), double.NaN, double.NaN, 0, 0, kernel.Density.Coordinates.AreRanks ? "ranks" : "");
        yield return new("combined", Ranking.Of([.. usual.Zip(near, kernel.Score.Of)], [.. unusual.Zip(far, kernel.Score.Of)]), double.NaN, double.NaN, 0, 0, "");

        Result Of(string name, Func<Table, double[]> score, string note = "")
        {
            double[] usual = [.. score(normal).Select(value => value - logScale)], unusual = [.. score(anomalous).Select(value => value - logScale)];
            return new(name, Ranking.Of(usual, unusual), usual.Average(), Median.Of(usual), 0, 0, note);
        }
    }

    /// <summary>The negated squared length of each row's latent: like a log density, less for stranger rows.</summary>
    private static double[] LessNorm(FlowEngine<double> engine, Table rows)
    {
        double[] z = new double[rows.Values.Length], logDet = new double[rows.Rows], logProb = new double[rows.Rows];
        engine.Forward(rows.Values, [], z, logDet, logProb);
        return [.. Enumerable.Range(0, rows.Rows).Select(row => -TensorPrimitives.SumOfSquares(z.AsSpan(row * rows.Width, rows.Width)))];
    }

    private static MixtureFit Mixture(Table rows, ulong seed)
    {
        MixtureFit? best = null;
        double least = double.PositiveInfinity;
        foreach (int components in Enumerable.Range(1, 16).Where(components => components <= 4 || components % 2 == 0))
        {
            if (components > 1 && rows.Width > ManyColumns && rows.Rows < components * rows.Width)
                break;
            MixtureFit fit = MixtureFit.Of(rows, components, prior: 0, seed);
            double criterion = fit.Parameters * Math.Log(rows.Rows) - 2 * fit.LogProb(rows).Sum();
            if (criterion < least)
                (best, least) = (fit, criterion);
        }
        return best!;
    }

    // Integers as the flow learns them: anywhere in the cell around each.
    private static Table Spread(Table rows, double[] cells, ulong seed)
    {
        var random = new Random((int)seed);
        return new([.. rows.Values.Select((value, i) => value + (random.NextDouble() - 0.5) * cells[i % cells.Length])], rows.Width);
    }

    private static Table Units(Table rows, ColumnFacts[] facts, int[] kept)
    {
        var values = new double[rows.Rows * kept.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int column = kept[i % kept.Length];
            values[i] = (rows.Values[i / kept.Length * facts.Length + column] - facts[column].Mean) / facts[column].Deviation;
        }
        return new Table(values, kept.Length);
    }
}
