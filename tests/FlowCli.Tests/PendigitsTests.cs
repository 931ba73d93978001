using System.Globalization;
using FlowCore.Densities;

namespace FlowCli.Tests;

/// <summary>A model of handwritten digits, calibrated with rows that it has not seen, as users make one: the rates that are promised, and the reasons.</summary>
[Trait("Data", "adbench")]
public sealed class PendigitsTests(PendigitsModel model, ITestOutputHelper output) : IClassFixture<PendigitsModel>
{
    // With n calibration and m fresh rows the realised rate lies around k / (n + 1), k = floor(alpha (n + 1)), with the variance of a
    // Beta(k, n + 1 - k) and of a binomial one.
    [Theory, InlineData(0.01), InlineData(0.05), InlineData(0.1)]
    public void Of_fresh_ordinary_rows_about_alpha_are_flagged(double alpha)
    {
        string scored = model.Score(model.Fresh, "--alpha", alpha.ToString(CultureInfo.InvariantCulture));
        int n = model.Calibration.Length, m = model.Fresh.Length;
        double share = Math.Floor(alpha * (n + 1)) / (n + 1), deviation = Math.Sqrt(share * (1 - share) * (1.0 / (n + 2) + 1.0 / m));
        double rate = PendigitsModel.Column(scored, "anomaly").Count(cell => cell == "true") / (double)m;

        output.WriteLine($"alpha {alpha}: {rate:P2} of {m} ordinary rows are flagged; {n} calibration rows");
        Assert.InRange(rate, share - 3 * deviation, share + 3 * deviation);
    }

    [Fact]
    public void Most_anomalies_are_flagged_and_few_discoveries_are_false()
    {
        double[][] rows = [.. model.Fresh.Take(1200), .. model.Anomalies];
        string scored = model.Score(rows, "--alpha", "0.05");
        bool[] flagged = [.. PendigitsModel.Column(scored, "anomaly").Select(cell => cell == "true")];
        double[] q = [.. PendigitsModel.Column(scored, "q_value").Select(cell => double.Parse(cell, CultureInfo.InvariantCulture))];
        int found = q.Count(value => value <= 0.1), wrong = q.Take(1200).Count(value => value <= 0.1);

        output.WriteLine($"{flagged.Skip(1200).Count(each => each)} of {model.Anomalies.Length} anomalies at alpha 0.05; of {found} rows with q <= 0.1 {wrong} are ordinary");
        Assert.True(flagged.Skip(1200).Count(each => each) > 0.9 * model.Anomalies.Length);
        Assert.True(found > model.Anomalies.Length / 2 && wrong <= 0.1 * found + 3 * Math.Sqrt(0.1 * found), $"{wrong} of {found}");
    }

    [Fact]
    public void A_missing_feature_costs_little()
    {
        double[][] rows = [.. model.Fresh.Concat(model.Anomalies).Select((row, at) =>
        {
            double[] lacking = [.. row];
            lacking[Philox.At((uint)at, 0, 0, 0, 2, 0).W0 % 16] = double.NaN;
            return lacking;
        })];
        string scored = model.Score(rows, "--alpha", "0.05", "--missing", "marginalize");
        double[] p = [.. PendigitsModel.Column(scored, "log_prob").Select(cell => double.Parse(cell, CultureInfo.InvariantCulture))];
        int m = model.Fresh.Length;
        double rate = PendigitsModel.Column(scored, "anomaly").Take(m).Count(cell => cell == "true") / (double)m;
        double area = p.Skip(m).Average(low => p.Take(m).Average(high => low < high ? 1 : low == high ? 0.5 : 0));

        output.WriteLine($"one of 16 features missing: AUROC {area:F4}, {rate:P2} of the ordinary rows are flagged at 0.05");
        Assert.All(PendigitsModel.Column(scored, "n_missing"), cell => Assert.Equal("1", cell));
        Assert.True(area >= 0.985 && rate <= 0.08, $"{area}, {rate}");
        Assert.Contains("each value must be a finite number", model.Score([rows[0]]), StringComparison.Ordinal);
    }

    // They are compared with reference rows that lack the same: 1000 are kept, of which 128 lend values.
    [Theory, InlineData(0.05), InlineData(0.1)]
    public void Of_ordinary_rows_that_lack_three_features_about_alpha_are_flagged(double alpha)
    {
        const int n = 1000 - 128;
        double[][] rows = [.. model.Fresh.Select(row => row.Select((value, column) => column is 2 or 7 or 11 ? double.NaN : value).ToArray())];
        string scored = model.Score(rows, "--alpha", alpha.ToString(CultureInfo.InvariantCulture), "--missing", "marginalize");
        double share = Math.Floor(alpha * (n + 1)) / (n + 1), deviation = Math.Sqrt(share * (1 - share) * (1.0 / (n + 2) + 1.0 / rows.Length));
        double rate = PendigitsModel.Column(scored, "anomaly").Count(cell => cell == "true") / (double)rows.Length;

        output.WriteLine($"alpha {alpha}: {rate:P2} of {rows.Length} ordinary rows without three features are flagged; {n} reference rows");
        Assert.InRange(rate, share - 3 * deviation, share + 3 * deviation);
    }

    [Fact]
    public void A_swapped_feature_is_named_first()
    {
        const int width = 16;
        double[] before = model.LogProb(model.Fresh);
        var swapped = new double[model.Fresh.Length][];
        int[] culprits = new int[swapped.Length];
        for (int row = 0; row < swapped.Length; row++)
        {
            uint word = Philox.At((uint)row, 0, 0, 0, 1, 0).W0;
            culprits[row] = (int)(word % width);
            swapped[row] = [.. model.Fresh[row]];
            swapped[row][culprits[row]] = model.Fresh[(row + 1 + word / width % (swapped.Length - 1)) % swapped.Length][culprits[row]];
        }
        double[] after = model.LogProb(swapped);
        int[] fallen = [.. Enumerable.Range(0, swapped.Length).Where(row => after[row] < before[row] - 5)];

        string explained = model.Score([.. fallen.Select(row => swapped[row])], "--alpha", "0.999999", "--explain", "3");
        string[] named = PendigitsModel.Column(explained, "reason_1");
        double right = named.Zip(fallen).Count(pair => pair.First.StartsWith($"f{culprits[pair.Second]} = ", StringComparison.Ordinal)) / (double)fallen.Length;

        output.WriteLine($"{right:P1} of {fallen.Length} rows whose log density fell by more than 5 nats name the swapped feature first");
        Assert.True(fallen.Length > 300);
        Assert.True(right >= 0.85, $"{right:P1}");
    }
}
