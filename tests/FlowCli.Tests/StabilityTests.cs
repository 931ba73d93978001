using System.Globalization;
using FlowCli.Training;
using FlowCore;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Training;

namespace FlowCli.Tests;

/// <summary>What float32 cannot tell apart is learned all the same, and what it cannot compute is not written.</summary>
public sealed class StabilityTests : IDisposable
{
    private const int Far = 1_000_000_000;

    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Theory]
    [InlineData("realnvp")]
    [InlineData("nsf")]
    public void Values_that_float32_cannot_tell_apart_are_learned_as_if_they_stood_at_zero(string flow)
    {
        DataSplit near = DataSplit.By(Leaning(400, 0), 1), far = DataSplit.By(Leaning(400, Far), 1);
        var options = new TrainingOptions { Seed = 1, Epochs = 8 };
        FlowSpec Spec(Table table) => FlowPresets.Create(flow, "m", 2, sizes: new(2, 8), farFromZero: FarFromZero.Of(table));
        using TrainedFlow one = Trainer.Train(Spec(near.Train), near, options), other = Trainer.Train(Spec(far.Train), far, options);
        using var nearEngine = new TorchEngine<double>(Checkpoint.Of(one.Flow).BuildFlow());
        using FlowEngine<double> farEngine = Engine.Open<double>(Checkpoint.Of(other.Flow), EngineKind.Compiled);

        double[] expected = Evaluation.LogProbOf(nearEngine, near.Test), actual = Evaluation.LogProbOf(farEngine, far.Test);
        Assert.Equal(one.BestValidation, other.BestValidation, 1e-3);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
        // And float32 agrees with float64 about the rows that it can hold.
        Assert.True(Evaluation.Of(other.Flow, far.Train, far.Test).Stability.Holds);
    }

    [Fact]
    public void Contexts_that_float32_cannot_tell_apart_are_learned_too()
    {
        Table Conditional(double offset)
        {
            Table table = Leaning(400, offset);
            double[] Column(int at) => [.. Enumerable.Range(0, 400).Select(row => table.Values[2 * row + at])];
            return new(Column(1), 1, null, new Table(Column(0), 1));
        }
        DataSplit near = DataSplit.By(Conditional(0), 1), far = DataSplit.By(Conditional(Far), 1);
        FlowSpec Spec(Table table) => FlowPresets.Create(FlowPresets.Maf, "m", 1, sizes: new(2, 8), context: new() { Size = 1 }, farFromZero: FarFromZero.Of(table));
        var options = new TrainingOptions { Seed = 1, Epochs = 8 };
        using TrainedFlow one = Trainer.Train(Spec(near.Train), near, options), other = Trainer.Train(Spec(far.Train), far, options);

        Assert.Equal(2, other.Flow.Spec.Context!.Embedding!.Length);
        Assert.Equal(Evaluation.Of(one.Flow, near.Train, near.Test).Mean, Evaluation.Of(other.Flow, far.Train, far.Test).Mean, 1e-3);
    }

    [Fact]
    public void A_table_far_from_zero_is_trained_with_a_true_warning()
    {
        Table table = Leaning(60, Far);
        string data = cli.Write("far.csv", "t,y,n\n" + string.Join('\n', Enumerable.Range(0, 60).Select(row =>
            string.Create(CultureInfo.InvariantCulture, $"{table.Row(row)[0]:R},{table.Row(row)[1]:R},{(1 << 24) + row * 7919 % 1001}"))));

        Outcome outcome = Cli.Run("train", "--input", data, "--flow", "simple", "--epochs", "2", "--out", cli.At("m/1"));

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("column 't': float32 tells its values apart by 64 at least", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("column 'n': float32 tells its values apart by 2 at least", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("flow logprob --dtype float64", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("realnvp", 32)]
    [InlineData("simple", 32)]
    [InlineData("maf", 20)]
    public void However_deep_a_preset_is_its_layers_together_scale_by_no_more_than_float32_takes_back(string preset, int layers)
    {
        FlowSpec spec = FlowPresets.Create(preset, "m", 6, sizes: new(layers));
        double total = spec.Bijections.Sum(bijection => bijection switch
        {
            CouplingSpec { Element: AffineElementSpec { Scale: ScaleMap.Tanh } element } => element.Bound / 2, // each feature is transformed by every second one
            AutoregressiveSpec { Element: AffineElementSpec { Scale: ScaleMap.Tanh } element } => element.Bound,
            _ => 0,
        });

        Assert.InRange(total, 7.9, 8.1);
    }

    [Fact]
    public void Deep_couplings_on_heavy_tails_stay_invertible()
    {
        DataSplit split = DataSplit.By(HeavyTailed(600, 6), 1);
        using TrainedFlow trained = Trainer.Train(FlowPresets.Create(FlowPresets.RealNvp, "m", 6, sizes: new(32, 16)), split, new() { Seed = 1, Epochs = 15 });
        Evaluation evaluation = Evaluation.Of(trained.Flow, split.Train, split.Test);

        Assert.True(evaluation.Stability.Holds, $"{evaluation.Stability}");
        Assert.True(double.IsFinite(evaluation.Mean) && evaluation.RoundTrip32 < 0.01, $"{evaluation.RoundTrip32}");
    }

    [Fact]
    public void A_flow_that_float32_cannot_take_back_is_not_stable()
    {
        DataSplit split = DataSplit.By(HeavyTailed(300, 4), 1);
        FlowSpec unbounded = new()
        {
            Name = "m",
            EventShape = [4],
            Bijections = [.. Enumerable.Range(0, 16).Select(i => new CouplingSpec
            {
                Mask = i % 2 == 0 ? CouplingMask.SecondHalf : CouplingMask.FirstHalf,
                Element = new AffineElementSpec { Scale = ScaleMap.Exp },
                Conditioner = new FlowCore.Conditioners.MlpSpec { Hidden = [16, 16] },
            })],
        };
        using TrainedFlow trained = Trainer.Train(unbounded, split, new() { Seed = 1, Epochs = 10, LearningRate = 0.02, MaxTime = TimeSpan.FromSeconds(20) });

        Assert.False(Evaluation.Of(trained.Flow, split.Train, split.Test).Stability.Holds);
    }

    [Theory]
    [InlineData("realnvp")]
    [InlineData("nsf")]
    [InlineData("maf")]
    public void Training_that_only_does_harm_is_undone_and_says_so(string flow)
    {
        Table table = HeavyTailed(200, 4);
        string data = cli.Write("tails.csv", "a,b,c,d\n" + string.Join('\n', Enumerable.Range(0, table.Rows).Select(row =>
            string.Join(',', table.Row(row).ToArray().Select(value => value.ToString("R", CultureInfo.InvariantCulture))))));

        // Steps of such a length leave weights that no number type computes with.
        Outcome outcome = Cli.Run("train", "--input", data, "--flow", flow, "--epochs", "1", "--lr", "10", "--out", cli.At("m/1"));

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("warning: no step improved on the start", outcome.Error, StringComparison.Ordinal);
        Outcome scored = Cli.Run("logprob", "--model", cli.At("m/1"), "--input", data);
        Assert.DoesNotContain("nan", scored.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_flow_that_float32_cannot_compute_is_refused_with_what_to_change()
    {
        var unstable = new Evaluation([0], [0], 0, 1, 1) { Stability = new(RoundTrip: 0.2, LogDensity: 0, Samples: 0) };

        FlowException refused = Assert.Throws<FlowException>(() => TrainingRun.Check(unstable, FlowPresets.Nsf));

        Assert.Contains("unstable in float32, so nothing is written", refused.Message, StringComparison.Ordinal);
        Assert.Contains("fewer --layers", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("--flow auto, which leaves out kinds that float32 cannot compute", refused.Message, StringComparison.Ordinal);
        TrainingRun.Check(unstable with { Stability = new(0.01, 0.01, 0.01) }, FlowPresets.Nsf);
    }

    [Fact]
    public void Of_a_search_what_float32_cannot_compute_is_left_out_and_named()
    {
        DataSplit split = DataSplit.By(Leaning(200, 0), 1);
        split.Test.Values[0] = 40;
        using TrainedFlow trained = FlowSearch.Train(
            FlowSearch.Auto, preset => preset == FlowPresets.Mixture ? Saturating(preset) : FlowPresets.Create(preset, "m", 2, sizes: new(2, 8)),
            split, new() { Seed = 1, Epochs = 2, Threads = 1 });

        Assert.Equal(FlowPresets.Nsf, trained.Preset);
        Assert.False(trained.Tried.Single(tried => tried.Preset == FlowPresets.Mixture).Unstable!.Holds);
        string warning = FitWarnings.Of(trained).First();
        Assert.StartsWith("'gmm' would have been chosen, but float32 cannot compute it, so that it was left out: a held-out row comes back", warning, StringComparison.Ordinal);
        Assert.EndsWith("where 0.05 is allowed", warning, StringComparison.Ordinal); // it has no layers to take fewer of
    }

    [Fact]
    public void A_last_training_that_float32_cannot_compute_is_undone()
    {
        // Many validation rows make the deviation of all so small that the test row lies far out.
        DataSplit split = DataSplit.By(Leaning(200, 0), 1);
        split.Test.Values[0] = 10;
        split = split with { Validation = new([.. Leaning(2000, 0).Values.Select(value => 0.01 * value)], 2) };
        using TrainedFlow trained = FlowSearch.Train(FlowPresets.Nsf, Saturating, split, new() { Seed = 1, Epochs = 1, Threads = 1, Refit = true });

        Assert.False(trained.Refitted);
        Assert.False(trained.UnstableRefit!.Holds);
        Assert.True(Evaluation.Of(trained.Flow, split.Train, split.Test).Stability.Holds);
        Assert.Contains(FitWarnings.Of(trained), warning => warning.StartsWith("float32 cannot compute what the last training", StringComparison.Ordinal));
    }

    [Fact]
    public void A_flow_that_has_learned_less_than_a_Gaussian_has_a_warning()
    {
        FlowSpec spec = FlowPresets.Create(FlowPresets.Nsf, "m", 2);
        var stable = new Stability(0, 0, 0);

        string less = Assert.Single(FitWarnings.Of(new([-9, -8, 8], [-2, -2, -7], 0, 0, 0) { Stability = stable }, spec));

        Assert.Contains("the median test log-likelihood is 6 nats below that of the full-covariance Gaussian", less, StringComparison.Ordinal);
        Assert.Empty(FitWarnings.Of(new([-2, -2, -2], [-2, -2, -2], 0, 0, 0) { Stability = stable }, spec));
    }

    /// <summary>A flow behind a sigmoid and its inverse, which float32 takes for infinite some 17 deviations out.</summary>
    private static FlowSpec Saturating(string preset)
    {
        FlowSpec spec = FlowPresets.Create(preset, "m", 2, sizes: new(2, 8));
        var logit = new LogitSpec { Alpha = 0 };
        return spec with { Bijections = [spec.Bijections[0], new InvertedSpec { Of = logit }, logit, .. spec.Bijections[1..]] };
    }

    private static Table Leaning(int rows, double offset)
    {
        var values = new double[rows * 2];
        Noise.FillNormal(5, 0, 2, values.AsSpan());
        for (int row = 0; row < rows; row++)
        {
            // The same values wherever they stand: multiples of 2^-20.
            double a = Math.Round(values[2 * row] * (1 << 20)) / (1 << 20);
            (values[2 * row], values[2 * row + 1]) = (offset + a, 0.8 * a + values[2 * row + 1]);
        }
        return new(values, 2);
    }

    /// <summary>Cauchy values: the ratio of two normal ones.</summary>
    private static Table HeavyTailed(int rows, int width)
    {
        var noise = new double[rows * width * 2];
        Noise.FillNormal(6, 0, width * 2, noise.AsSpan());
        return new([.. Enumerable.Range(0, rows * width).Select(i => noise[2 * i] / noise[2 * i + 1])], width);
    }
}
