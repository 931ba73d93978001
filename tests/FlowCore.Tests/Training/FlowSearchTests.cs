using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Training;
using FlowCore.Training.Mixtures;

namespace FlowCore.Tests.Training;

/// <summary>What <c>--flow auto</c> chooses, and by what.</summary>
public sealed class FlowSearchTests
{
    private static readonly TrainingOptions Options = new() { Seed = 1, Epochs = 20, Threads = 2 };

    [Fact]
    public void A_mixture_of_normals_is_found_and_nothing_is_chosen_that_validates_worse()
    {
        DataSplit split = DataSplit.By(TwoHeaps(1500, 4), 1);
        using TrainedFlow trained = Search(split, Options);

        Assert.Equal(["gmm", "nsf", "nsf-gmm"], trained.Tried.Select(tried => tried.Preset));
        Assert.True(trained.Tried.Max(tried => tried.Score) - trained.BestValidation <= 0.02);
        Assert.Equal(trained.Tried.Single(tried => tried.Preset == trained.Preset).Score, trained.BestValidation);
        Assert.Equal(Truth(split.Test), Mean(trained, split.Test), 0.1);
        Assert.True(trained.ReachesGaussian);
    }

    [Fact]
    public void A_refit_has_learned_from_the_validation_rows_too()
    {
        DataSplit split = DataSplit.By(TwoHeaps(150, 3), 1);
        using TrainedFlow once = Search(split, Options), twice = Search(split, Options with { Refit = true }), again = Search(split, Options with { Refit = true });

        Assert.False(once.Refitted);
        Assert.True(twice.Refitted);
        Assert.Equal(once.BestValidation, twice.BestValidation);
        Assert.True(Mean(twice, split.Validation) > Mean(once, split.Validation));
        Assert.NotEqual(Mean(once, split.Test), Mean(twice, split.Test));
        Assert.Equal(Mean(twice, split.Test), Mean(again, split.Test));
    }

    [Fact]
    public void The_progress_of_a_refit_ends_at_its_own_total()
    {
        var seen = new List<TrainingProgress>();
        using TrainedFlow trained = FlowSearch.Train(
            FlowPresets.Nsf, preset => FlowPresets.Create(preset, "m", 2, sizes: new(2, 8)), DataSplit.By(TwoHeaps(150, 2), 1),
            Options with { Epochs = 40, LearningRate = 5e-3, Refit = true }, seen.Add);
        TrainingProgress[] again = [.. seen.Where(progress => progress.Preset == "nsf, on all rows")];
        Assert.All(again, progress => Assert.InRange(progress.Epoch, 1, progress.Epochs));
        Assert.Equal(again[^1].Epochs, again[^1].Epoch);
        Assert.True(trained.Refitted);
        Assert.Equal(trained.Tried.Single().Steps, trained.Steps); // as its epochs are
    }

    [Fact]
    public void A_table_of_one_column_has_candidates_too()
    {
        using TrainedFlow trained = FlowSearch.Train(
            FlowSearch.Auto, preset => FlowPresets.Create(preset, "m", 1), DataSplit.By(TwoHeaps(400, 1), 1), Options with { Epochs = 3 });
        Assert.Equal(["gmm", "nsf-ar", "nsf-ar-gmm"], trained.Tried.Select(tried => tried.Preset));
    }

    [Fact]
    public void Of_more_columns_than_rows_something_is_learned()
    {
        // Columns that follow a common one, and rare events: one of them strange enough to break what knows of no spread but the rows' own.
        const int width = 80;
        var random = new Random(3);
        var values = new double[100 * width];
        for (int row = 0; row < 100; row++)
        {
            double common = random.NextDouble() + random.NextDouble();
            for (int i = 0; i < width; i++)
                values[row * width + i] = i < 40 ? common + random.NextDouble() : random.Next(30) == 0 ? 1 : 0;
        }
        DataSplit split = DataSplit.By(new Table(values, width), 1);
        double[] steps = [.. Enumerable.Range(0, width).Select(i => i < 40 ? 0.0 : 1)];
        using TrainedFlow trained = FlowSearch.Train(
            FlowSearch.Auto, preset => FlowPresets.Create(preset, "m", width, steps, new(2, 16)), split, Options);
        double gaussian = GaussianBaseline.Fit(split.Train).LogProb(split.Test).Average();
        Assert.True(trained.ReachesGaussian);
        Assert.True(Mean(trained, split.Test) > gaussian, $"{Mean(trained, split.Test):F2} nats, the Gaussian {gaussian:F2}");
    }

    [Fact]
    public void Of_few_rows_the_luckiest_flow_does_not_win()
    {
        // Thirty rows validate: splines that have learned nothing true lie above the normal by less than chance alone makes.
        double[] values = new double[200 * 4];
        Noise.FillNormal(11, 0, 4, values.AsSpan());
        using TrainedFlow trained = Search(DataSplit.By(new Table(values, 4), 1), Options);
        Assert.Equal(FlowPresets.Mixture, trained.Preset);

        HeldOutLook one = new(2.5, 0) { OfRows = [1, 2, 3, 4] }, other = new(2, 0) { OfRows = [1, 1, 3, 3] };
        Assert.Equal(Math.Sqrt(1.0 / 3 / 4), one.ErrorBeside(other), 1e-12);
    }

    [Fact]
    public void Processor_time_ends_a_training_and_brings_the_learning_rate_to_its_end()
    {
        DataSplit split = DataSplit.By(TwoHeaps(1000, 4), 1);
        var seen = new List<TrainingProgress>();
        using TrainedFlow trained = FlowSearch.Train(
            FlowPresets.Nsf, preset => FlowPresets.Create(preset, "m", 4), split,
            new() { Seed = 1, Epochs = 1_000_000, Patience = 1e9, MaxProcessorTime = TimeSpan.FromSeconds(2) }, seen.Add);
        Assert.Equal(TrainingEnd.Time, trained.End);
        Assert.True(seen[^1].Spent >= 1);
        Assert.True(trained.ProcessorTime >= TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void A_mixture_is_fitted_to_what_it_was_drawn_from_the_same_whenever_it_is()
    {
        Table train = TwoHeaps(4000, 3), test = TwoHeaps(4000, 3, seed: 9);
        MixtureFit fit = MixtureFit.Of(train, 2, prior: 0, seed: 5);
        Assert.Equal(Truth(test), fit.LogProb(test).Average(), 0.02);
        Assert.Equal([0.5, 0.5], fit.LogWeights.Select(weight => Math.Round(Math.Exp(weight), 1)));
        Assert.Equal(fit.Factors.ToArray(), MixtureFit.Of(train, 2, prior: 0, seed: 5).Factors.ToArray());
    }

    [Theory]
    [InlineData(1e-2)]
    [InlineData(1e-4)]
    public void Columns_that_nearly_add_up_are_known_as_their_Gaussian_knows_them(double noise)
    {
        double[] values = new double[3 * 1000];
        Noise.FillNormal(5, 0, 3, values.AsSpan());
        for (int i = 0; i < values.Length; i += 3)
            values[i + 2] = Math.Sqrt(0.5) * (values[i] + values[i + 1]) + noise * values[i + 2];
        Table rows = new(values, 3);
        double mixture = MixtureFit.Of(rows, 1, prior: 0, seed: 5).LogProb(rows).Average(), gaussian = GaussianBaseline.Fit(rows).LogProb(rows).Average();
        Assert.Equal(gaussian, mixture, 0.02);
    }

    [Fact]
    public void Few_rows_borrow_the_covariance_that_components_share()
    {
        Table few = TwoHeaps(30, 8), test = TwoHeaps(2000, 8, seed: 9);
        double alone = MixtureFit.Of(few, 2, prior: 0, seed: 5).LogProb(test).Average();
        double shared = MixtureFit.Of(few, 2, prior: 16, seed: 5).LogProb(test).Average();
        Assert.True(shared > alone + 1, $"{shared:F2} nats with the common covariance, {alone:F2} without");
    }

    [Fact]
    public void One_strange_row_counts_as_much_as_a_wide_density_and_every_tenth_counts()
    {
        Table train = TwoHeaps(500, 2), heldOut = TwoHeaps(100, 2, seed: 9);
        var score = new HeldOutScore(train, heldOut, FlowPresets.Create(FlowPresets.Nsf, "m", 2));
        double[] good = GaussianBaseline.Fit(train).LogProb(heldOut), one = [.. good], tenth = [.. good], missing = [.. good];
        one[3] = -1e9;
        missing[3] = double.NaN;
        for (int row = 0; row < tenth.Length; row += 10)
            tenth[row] = -500;
        Assert.InRange(score.Of(good) - score.Of(one), 0.02, 0.2);
        Assert.Equal(score.Of(one), score.Of(missing));
        Assert.InRange(score.Of(good) - score.Of(tenth), 0.2, 2);
        Assert.Equal(0, score.BelowGaussian(good));
        Assert.InRange(score.BelowGaussian(one), 0.9e9 / heldOut.Rows, 1.1e9 / heldOut.Rows);
    }

    [Theory]
    [InlineData(-0.995, false)] // the lead is for both: for the score and for what is asked of the other beside it
    [InlineData(-0.97, true)]
    public void A_simpler_flow_a_hair_below_the_Gaussian_gives_way_to_no_less_than_the_lead(double score, bool gives) =>
        Assert.Equal(gives, new HeldOutLook(score, 0).IsBetterThan(new(-1, 0.001), lead: 0.02));

    [Fact]
    public void A_flow_that_stays_below_the_Gaussian_is_never_better_than_one_that_reaches_it()
    {
        Assert.True(new HeldOutLook(-5, 0).IsBetterThan(new(-1, 0.5), lead: 0.02));
        Assert.False(new HeldOutLook(-1, 0.001).IsBetterThan(new(-5, 0), lead: 0.02));
        Assert.False(new HeldOutLook(-1, double.NaN).IsBetterThan(new(-5, 0), lead: 0.02));
    }

    private static TrainedFlow Search(DataSplit split, TrainingOptions options) =>
        FlowSearch.Train(FlowSearch.Auto, preset => FlowPresets.Create(preset, "m", split.Train.Width, sizes: new(2, 16)), split, options);

    private static double Mean(TrainedFlow trained, Table rows)
    {
        using FlowEngine<double> engine = Engine.Open<double>(Checkpoint.Of(trained.Flow));
        return Evaluation.LogProbOf(engine, rows).Average();
    }

    // The mean of its log density; the heaps lie so far apart that each row belongs to the nearer one.
    private static double Truth(Table rows) => Enumerable.Range(0, rows.Rows).Average(row =>
        Math.Log(0.5) - 0.5 * rows.Width * Math.Log(2 * Math.PI) - 0.5 * Math.Min(Square(rows.Row(row), 0), Square(rows.Row(row), 10)));

    private static double Square(ReadOnlySpan<double> row, double centre)
    {
        double sum = 0;
        foreach (double value in row)
            sum += (value - centre) * (value - centre);
        return sum;
    }

    // Two unit normals, ten apart in each column.
    private static Table TwoHeaps(int rows, int width, ulong seed = 2)
    {
        var values = new double[rows * width];
        Noise.FillNormal(seed, 0, width, values.AsSpan());
        for (int i = 0; i < values.Length; i++)
            values[i] += i / width % 2 * 10;
        return new Table(values, width);
    }
}
