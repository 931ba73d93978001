using FlowCore;
using FlowCore.Bijections;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Training;
using TorchSharp;

namespace FlowCli.Tests;

public sealed class TrainerTests
{
    [Fact]
    public void The_Gaussian_baseline_is_the_one_computed_by_hand()
    {
        // Mean (1, 0), covariance [[1, 1], [1, 2]] with determinant 1, inverse [[2, -1], [-1, 1]].
        var table = new Table([0, -2, 2, 2, 0, 0, 2, 0], 2);
        double[] logProb = GaussianBaseline.Fit(table).LogProb(new Table([1, 0, 2, 1, 3, 0], 2));
        double peak = -Math.Log(2 * Math.PI);
        Assert.Equal(peak, logProb[0], 1e-12);
        Assert.Equal(peak - 0.5, logProb[1], 1e-12);
        Assert.Equal(peak - 4, logProb[2], 1e-12);
    }

    [Fact]
    public void A_singular_covariance_gets_a_ridge_and_says_so()
    {
        GaussianBaseline gaussian = GaussianBaseline.Fit(new Table([0, 0, 1, 1, 2, 2, 3, 3], 2));
        Assert.True(gaussian.Ridge > 0);
        Assert.True(double.IsFinite(gaussian.LogProb(new Table([1, 1], 2))[0]));
    }

    [Fact]
    public void One_outlying_row_does_not_decide_when_to_stop()
    {
        Table rows = Normal(200);
        var split = new DataSplit(rows, rows.Take([.. Enumerable.Range(0, 40)]), new Table([], 2), []);
        double[] spoiled = [.. split.Validation.Values];
        (spoiled[0], spoiled[1]) = (1e4, -1e4);
        DataSplit outlying = split with { Validation = new Table(spoiled, 2) };
        using TrainedFlow clean = Trainer.Train(Spec(), split, Options), robust = Trainer.Train(Spec(), outlying, Options);
        Assert.True(clean.BestEpoch > 1);
        Assert.Equal(Mean(clean), Mean(robust), 0.15);

        double Mean(TrainedFlow trained)
        {
            using FlowEngine<double> engine = Engine.Open<double>(Checkpoint.Of(trained.Flow));
            return Evaluation.LogProbOf(engine, split.Validation).Average();
        }
    }

    [Fact]
    public void Steps_without_a_finite_gradient_are_skipped_and_counted()
    {
        Table rows = Normal(64);
        rows.Values[0] = 1e30; // its square is no float32
        FlowSpec spec = Spec() with { Bijections = [.. Spec().Bijections.Where(b => b is not (StandardizeSpec or ActNormSpec))] };
        var split = new DataSplit(rows, Normal(20), new Table([], 2), []);
        using TrainedFlow trained = Trainer.Train(spec, split, Options with { Epochs = 10, BatchSize = 16 });
        Assert.Equal(10, trained.SkippedSteps);
        Assert.All(Checkpoint.Of(trained.Flow).Weights.Values, tensor => Assert.DoesNotContain(float.NaN, Floats(tensor)));
        Assert.True(double.IsFinite(trained.BestValidation));
    }

    [Fact]
    public void A_row_of_1e30_in_a_file_still_gives_a_model()
    {
        Table rows = Normal(200);
        rows.Values[7] = 1e30;
        using TrainedFlow trained = Trainer.Train(Spec(), DataSplit.By(rows, 1), Options with { Epochs = 3 });
        Assert.True(double.IsFinite(trained.BestValidation));
    }

    [Fact]
    public void Cancelling_midway_keeps_the_best_weights()
    {
        using var stop = new CancellationTokenSource();
        var seen = new List<TrainingProgress>();
        using TrainedFlow trained = Trainer.Train(Spec(), DataSplit.By(Normal(200), 1), Options with { Epochs = 100_000 }, progress =>
        {
            seen.Add(progress);
            if (seen.Count == 3)
                stop.Cancel();
        }, stop.Token);
        Assert.Equal(TrainingEnd.Cancelled, trained.End);
        Assert.True(trained.BestValidation >= seen.Max(progress => progress.ValidationLogLikelihood));
    }

    [Fact]
    public void No_tensor_stays_behind_however_long_training_takes()
    {
        DataSplit split = DataSplit.By(Normal(200), 1);
        var counts = new List<long>();
        long Grown(int epochs)
        {
            long before = Tensors();
            Trainer.Train(Spec(), split, Options with { Epochs = epochs, Patience = 10 }, _ => counts.Add(torch.Tensor.TotalCount)).Dispose();
            return Tensors() - before;
        }
        // TorchSharp goes on counting the tensor that a new Parameter has emptied, so that each flow adds a fixed number.
        Assert.Equal(Grown(epochs: 10), Grown(epochs: 100));
        Assert.Equal(counts[^10], counts[^1]);
    }

    [Fact]
    public void A_flow_learns_a_density_that_a_Gaussian_cannot()
    {
        var noise = new double[1500 * 2];
        Noise.FillNormal(8, 0, 2, noise.AsSpan());
        for (int i = 0; i < 1500; i++)
            noise[2 * i + 1] = noise[2 * i] * noise[2 * i] + 0.2 * noise[2 * i + 1];
        DataSplit split = DataSplit.By(new Table(noise, 2), 1);
        using TrainedFlow trained = Trainer.Train(Spec(layers: 4, hidden: 32), split, new() { Seed = 1, Epochs = 60 });
        Evaluation evaluation = Evaluation.Of(trained.Flow, split.Train, split.Test);
        // The entropy of the truth is 1.229 nats.
        Assert.InRange(evaluation.Mean, -1.45, -1.1);
        Assert.True(evaluation.Mean > evaluation.GaussianMean + 0.7);
        Assert.True(evaluation.RoundTrip64 < 1e-9);
    }

    [Fact]
    public void Splits_depend_on_the_seed_alone_and_lose_no_row()
    {
        Table rows = Normal(101);
        DataSplit split = DataSplit.By(rows, 3), again = DataSplit.By(rows, 3);
        Assert.Equal(split.Train.Values, again.Train.Values);
        Assert.NotEqual(split.Train.Values, DataSplit.By(rows, 4).Train.Values);
        Assert.Equal(rows.Values.Order(), split.Train.Values.Concat(split.Validation.Values).Concat(split.Test.Values).Order());
        Assert.Equal(split.Test.Row(2).ToArray(), rows.Row(split.TestRows[2]).ToArray());
    }

    private static TrainingOptions Options => new() { Seed = 1, Epochs = 30, BatchSize = 50 };

    private static FlowSpec Spec(int layers = 2, int hidden = 8) =>
        FlowPresets.Create(FlowPresets.RealNvp, "test", 2, sizes: new(layers, hidden));

    private static Table Normal(int rows)
    {
        var values = new double[rows * 2];
        Noise.FillNormal(5, 0, 2, values.AsSpan());
        return new Table(values, 2);
    }

    private static float[] Floats(WeightTensor tensor) => tensor.Type == WeightType.F32
        ? System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray()
        : [];

    private static long Tensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return torch.Tensor.TotalCount;
    }
}
