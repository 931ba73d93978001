using System.Globalization;
using FlowCli.Training;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Training;

namespace FlowCli.Tests;

/// <summary>The demo data's own yardstick: malignant rows against benign ones that training did not see.</summary>
[Trait("Speed", "slow")]
public sealed class AnomalyTests(ITestOutputHelper output)
{
    [Theory, InlineData(FlowPresets.Nsf), InlineData(FlowPresets.RealNvp)]
    public void Malignant_rows_are_less_likely_than_benign_ones(string preset)
    {
        string file = Path.Combine(Cli.Models, "breast-cancer", "breast_cancer.csv");
        Table benign = TrainingData.Load(Cli.Request(file, "label"), Cli.Quiet).Table;
        Table malignant = Malignant(file, benign);
        double sum = 0, gaussianSum = 0;
        foreach (ulong seed in new ulong[] { 0, 1, 2 })
        {
            // 70 % of the benign rows to train on, the early stopping's own included.
            DataSplit outer = DataSplit.By(benign, seed, validationShare: 0.01, testShare: 0.3);
            var held = outer.TestRows.ToHashSet();
            Table known = benign.Take([.. Enumerable.Range(0, benign.Rows).Where(row => !held.Contains(row))]);
            DataSplit inner = DataSplit.By(known, seed + 100, testShare: 0);
            FlowSpec spec = FlowPresets.Create(preset, "benign", benign.Width);
            using TrainedFlow trained = Trainer.Train(spec, inner, new() { Seed = seed });
            using var engine = new TorchEngine<double>(Checkpoint.Of(trained.Flow).BuildFlow());
            double[] usual = Evaluation.LogProbOf(engine, outer.Test);
            using var compiled = new CompiledEngine<double>(Checkpoint.Of(trained.Flow));
            Assert.All(usual.Zip(Evaluation.LogProbOf(compiled, outer.Test)), pair => Assert.Equal(pair.First, pair.Second, 1e-9 * (1 + Math.Abs(pair.First))));
            double area = Area(usual, Evaluation.LogProbOf(engine, malignant));
            GaussianBaseline gaussian = GaussianBaseline.Fit(inner.Train);
            double[] gaussianUsual = gaussian.LogProb(outer.Test);
            double gaussianArea = Area(gaussianUsual, gaussian.LogProb(malignant));
            output.WriteLine(
                $"{preset}, seed {seed}, epoch {trained.BestEpoch} of {trained.Epochs}: AUROC {area:F4}, median {Median.Of(usual):F2} nats; full-covariance Gaussian {gaussianArea:F4}, {Median.Of(gaussianUsual):F2} nats");
            // The preset for densities: its better ranking is not bought with worse ones.
            if (preset == FlowPresets.Nsf)
                Assert.True(Median.Of(usual) > Median.Of(gaussianUsual), $"seed {seed}: a median of {Median.Of(usual):F2} nats");
            (sum, gaussianSum) = (sum + area, gaussianSum + gaussianArea);
        }
        output.WriteLine($"{preset}, mean: AUROC {sum / 3:F4}, full-covariance Gaussian {gaussianSum / 3:F4}");
        // Of 250 rows the validation rows like the start best, a normal behind arcsinh, or little more: it ranks as a Gaussian does. Flows
        // that were trained on reached 0.97 with densities that were 2 to 6 nats worse.
        Assert.True(sum / 3 >= 0.95, $"AUROC {sum / 3:F4}");
    }

    private static Table Malignant(string file, Table benign)
    {
        var values = new List<double>();
        foreach (string line in File.ReadLines(file).Skip(1))
        {
            double[] row = [.. line.Split(',').Select(cell => double.Parse(cell, CultureInfo.InvariantCulture))];
            if (row[^1] != 0)
                values.AddRange(row[..^1]);
        }
        return new Table([.. values], benign.Width);
    }

    // The share of pairs in which the malignant row is the less likely one.
    private static double Area(double[] normal, double[] anomalous) =>
        anomalous.Average(low => normal.Average(high => low < high ? 1 : low == high ? 0.5 : 0));
}
