using System.Globalization;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using FlowCore.Training;

namespace FlowCli.Tests;

/// <summary>
/// p(y | c) with y1 = sin 2c + s(c) n1, s(c) = exp(c / 2 - 1), and y2 = c y1 + 0.3 n2: neither the mean nor the spread is what a
/// linear regression could tell.
/// </summary>
public sealed class ConditionalTrainingTests : IDisposable
{
    private const string Header = "y1,c,y2\n";

    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Theory]
    [InlineData(FlowPresets.RealNvp)]
    [InlineData(FlowPresets.Nsf)]
    [InlineData(FlowPresets.Maf)]
    [InlineData(FlowPresets.NsfAutoregressive)]
    public void A_conditional_flow_comes_near_the_truth(string preset)
    {
        double[][] rows = Rows(4000, seed: 4);
        var table = new Table([.. rows.SelectMany(row => new[] { row[0], row[2] })], 2, null, new Table([.. rows.Select(row => row[1])], 1));
        DataSplit split = DataSplit.By(table, 1);
        FlowSpec spec = FlowPresets.Create(preset, "test", 2, sizes: new(3, 24), context: new() { Size = 1 });
        using TrainedFlow trained = Trainer.Train(spec, split, new() { Seed = 1, Epochs = 50, BatchSize = 64, LearningRate = 3e-3 });
        Evaluation evaluation = Evaluation.Of(trained.Flow, split.Train, split.Test);
        double truth = Enumerable.Range(0, split.Test.Rows)
            .Average(i => Truth(split.Test.Row(i)[0], split.Test.Context!.Values[i], split.Test.Row(i)[1]));
        Assert.InRange(evaluation.Mean, truth - 0.2, truth + 0.05);
        Assert.True(evaluation.Mean > evaluation.GaussianMean + 0.5, $"{evaluation.Mean} {evaluation.GaussianMean}");
    }

    [Theory]
    [InlineData(FlowPresets.Simple)]
    [InlineData(FlowPresets.RealNvp)]
    [InlineData(FlowPresets.Nsf)]
    [InlineData(FlowPresets.Maf)]
    [InlineData(FlowPresets.NsfAutoregressive)]
    public void Context_columns_are_z_scored_and_are_no_features(string preset)
    {
        Train(preset, "--epochs", "2", "--context", "c");
        FlowSpec spec = Checkpoint.Read(cli.At("m/1")).Spec;
        Assert.Equal(["y1", "y2"], spec.Features!);
        Assert.Equal(["c"], spec.Context!.Features!);
        Assert.IsType<StandardizeLayerSpec>(Assert.Single(spec.Context.Embedding!));
        byte[] mean = Checkpoint.Read(cli.At("m/1")).Weights["embedding.0.mean"].Data.ToArray();
        Assert.NotEqual(0, BitConverter.ToSingle(mean));
        string card = File.ReadAllText(cli.At("m/1/README.md"));
        Assert.Contains("linear Gaussian regression", card, StringComparison.Ordinal);
        Assert.Contains("Context, in order: `c`", card, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights_of_the_context_layers_too()
    {
        byte[] Weights()
        {
            Train(FlowPresets.Nsf, "--epochs", "2", "--layers", "2", "--hidden", "8", "--context", "c");
            byte[] weights = File.ReadAllBytes(Path.Combine(cli.At("m/1"), Checkpoint.WeightsFile));
            Directory.Delete(cli.At("m"), recursive: true);
            return weights;
        }
        Assert.Equal(Weights(), Weights());
    }

    [Fact]
    public void Samples_and_densities_answer_to_the_context()
    {
        Train(FlowPresets.RealNvp, "--epochs", "40", "--batch", "32", "--layers", "3", "--hidden", "24", "--lr", "0.003", "--context", "c");
        Cli.Run("sample", "--model", cli.At("m/1"), "--count", "2").FailsWith(1, "needs --context");
        Cli.Run("sample", "--model", cli.At("m/1"), "--count", "2", "--context", cli.Write("none.csv", "c\n")).FailsWith(1, "none.csv: context holds no rows");
        cli.Write("contexts.csv", "c\n-0.7\n0.7\n");
        Outcome drawn = Cli.Run("sample", "--model", cli.At("m/1"), "--count", "400", "--seed", "1", "--context", cli.At("contexts.csv"));
        double[] samples = Cli.Columns(drawn.Output, "y1", "y2");
        Assert.Equal(2 * 400 * 2, samples.Length);
        // The order is [context, sample].
        Assert.Equal(Math.Sin(-1.4), Enumerable.Range(0, 400).Average(i => samples[2 * i]), 0.12);
        Assert.Equal(Math.Sin(1.4), Enumerable.Range(400, 400).Average(i => samples[2 * i]), 0.12);

        cli.Write("rows.csv", "y1,y2\n0.98,0.7\n0.98,0.7\n");
        double[] scored = Cli.Numbers(Cli.Run("logprob", "--model", cli.At("m/1"), "--input", cli.At("rows.csv"), "--context", cli.At("contexts.csv")).Output);
        Assert.True(scored[1] > scored[0] + 5, string.Join(", ", scored));
    }

    [Fact]
    public void A_class_column_reaches_the_networks_as_one_hot()
    {
        string lines = string.Concat(Rows(90, seed: 2).Select((row, i) =>
            string.Create(CultureInfo.InvariantCulture, $"{row[0] + i % 3 * 10:F5},{i % 3},{row[2]:F5}\n")));
        cli.Write("classes.csv", "a,kind,b\n" + lines);
        Outcome outcome = Cli.Run("train", "--input", cli.At("classes.csv"), "--context-class", "kind", "--flow", "maf", "--epochs", "5", "--out", cli.At("m/1"));
        Assert.True(outcome.Code == 0, outcome.Error);
        ContextSpec context = Checkpoint.Read(cli.At("m/1")).Spec.Context!;
        Assert.Equal((3, 1, null), (context.Classes, context.Width, context.Embedding));
        Assert.Equal(["kind"], context.Features!);
        Assert.Contains("a class in 0..2", File.ReadAllText(cli.At("m/1/README.md")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a,kind,b", "1.5", "row 0, column 'kind'", "1.5 is not a class")]
    [InlineData("a,kind,b", "7", "class 2 has no row", "0..2")]
    [InlineData("a,sort,b", "0", "there is no column 'kind'", "a, sort, b")]
    public void Classes_that_are_none_are_refused_with_their_place(string header, string first, string place, string reason)
    {
        string lines = string.Concat(Enumerable.Range(0, 40).Select(i => $"{i}.5,{(i == 0 ? first : i % 2)},{i * i % 7}.25\n"));
        cli.Write("classes.csv", header + "\n" + lines);
        Cli.Run("train", "--input", cli.At("classes.csv"), "--context-class", "kind", "--out", cli.At("m/1")).FailsWith(1, place, reason);
    }

    [Fact]
    public void A_context_that_never_changes_and_two_kinds_of_context_are_refused()
    {
        cli.Write("data.csv", "a,b,c\n" + string.Concat(Enumerable.Range(0, 40).Select(i => $"{i}.5,{i * i % 7}.25,3\n")));
        Cli.Run("train", "--input", cli.At("data.csv"), "--context", "c", "--out", cli.At("m/1")).FailsWith(1, "column 'c'", "nothing to condition on");
        Cli.Run("train", "--input", cli.At("data.csv"), "--context", "a,a", "--out", cli.At("m/1")).FailsWith(2, "--context", "'a' twice");
        Cli.Run("train", "--input", cli.At("data.csv"), "--context", "a", "--context-class", "c", "--out", cli.At("m/1")).FailsWith(2, "--context-class");
        Cli.Run("train", "--input", cli.At("data.csv"), "--context", "a", "--label", "a", "--out", cli.At("m/1")).FailsWith(1, "both the label and a context");
    }

    [Fact]
    public void The_conditional_Gaussian_is_the_regression_computed_by_hand()
    {
        // c has mean 0 and variance 1; x = 3 + 2 c + e with e = 1, -1, 1, -1 uncorrelated with c: variance 1.
        var given = new Table([-1, -1, 1, 1], 1);
        double[] logProb = GaussianBaseline.Fit(new Table([2, 0, 6, 4], 1, null, given))
            .LogProb(new Table([5, 7], 1, null, new Table([1, 2.5], 1)));
        double peak = -0.5 * Math.Log(2 * Math.PI);
        Assert.Equal(peak, logProb[0], 1e-12);
        Assert.Equal(peak - 0.5, logProb[1], 1e-12);
    }

    [Fact]
    public void The_Gaussian_of_classes_has_their_means_and_one_variance()
    {
        var classes = new Table([0, 0, 1, 1, 2, 2], 1);
        double[] logProb = GaussianBaseline.Fit(new Table([-1, 1, 9, 11, 4, 6], 1, null, classes), byClass: true)
            .LogProb(new Table([0, 10, 5, 6], 1, null, new Table([0, 1, 2, 2], 1)));
        double peak = -0.5 * Math.Log(2 * Math.PI);
        double[] expected = [peak, peak, peak, peak - 0.5];
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], logProb[i], 1e-9);
    }

    private void Train(string preset, params string[] options)
    {
        cli.Write("data.csv", Header + string.Concat(Rows(3000, seed: 4).Select(row => string.Join(',', row.Select(value => value.ToString("R", CultureInfo.InvariantCulture))) + "\n")));
        Outcome outcome = Cli.Run(["train", "--input", cli.At("data.csv"), "--flow", preset, "--out", cli.At("m/1"), .. options]);
        Assert.True(outcome.Code == 0, outcome.Error);
    }

    // y1, c, y2
    private static double[][] Rows(int count, ulong seed)
    {
        var noise = new double[count * 3];
        Noise.FillNormal(seed, 0, 3, noise.AsSpan());
        return [.. noise.Chunk(3).Select(n =>
        {
            double c = n[0], y1 = Math.Sin(2 * c) + Spread(c) * n[1];
            return new[] { y1, c, c * y1 + 0.3 * n[2] };
        })];
    }

    private static double Spread(double c) => Math.Exp(c / 2 - 1);

    private static double Truth(double y1, double c, double y2) =>
        Normal((y1 - Math.Sin(2 * c)) / Spread(c)) - Math.Log(Spread(c)) + Normal((y2 - c * y1) / 0.3) - Math.Log(0.3);

    private static double Normal(double z) => -0.5 * (z * z + Math.Log(2 * Math.PI));
}
