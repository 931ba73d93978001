using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Training;

namespace FlowCore.Tests.Training;

/// <summary>Where training starts: at the rows' Gaussian, or at their linear regression on the context, whatever the preset.</summary>
public sealed class StartTests
{
    private static readonly TrainingOptions Untrained = new() { Seed = 1, Epochs = 0 };

    public static TheoryData<string> Presets => [.. FlowPresets.Names];

    [Theory, MemberData(nameof(Presets))]
    public void Every_preset_starts_as_the_Gaussian(string preset)
    {
        DataSplit split = DataSplit.By(Leaning(2000, context: false), 1);
        using TrainedFlow start = Trainer.Train(FlowPresets.Create(preset, "m", 3), split, Untrained);
        double[] gaussian = GaussianBaseline.Fit(split.Train).LogProb(split.Test);
        Assert.Equal(gaussian.Average(), Mean(start, split.Test), 0.02);
        Assert.Equal(0, start.Steps);
    }

    [Theory, MemberData(nameof(Presets))]
    public void Every_conditional_preset_starts_as_the_regression(string preset)
    {
        DataSplit split = DataSplit.By(Leaning(2000, context: true), 1);
        FlowSpec spec = FlowPresets.Create(preset, "m", 3, context: new() { Size = 2 });
        using TrainedFlow start = Trainer.Train(spec, split, Untrained);
        double[] regression = GaussianBaseline.Fit(split.Train).LogProb(split.Test);
        Assert.Equal(regression.Average(), Mean(start, split.Test), 0.02);
    }

    [Fact]
    public void A_class_shifts_the_start()
    {
        var rows = new double[2000];
        Noise.FillNormal(3, 0, 1, rows.AsSpan());
        var classes = new double[rows.Length];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = 0.1 * rows[i] + 5 * (classes[i] = i % 3);
        DataSplit split = DataSplit.By(new Table(rows, 1, null, new Table(classes, 1)), 1);
        using TrainedFlow start = Trainer.Train(FlowPresets.Create(FlowPresets.Maf, "m", 1, context: new() { Classes = 3 }), split, Untrained);
        Assert.Equal(GaussianBaseline.Fit(split.Train, byClass: true).LogProb(split.Test).Average(), Mean(start, split.Test), 0.02);
    }

    private static double Mean(TrainedFlow trained, Table rows)
    {
        using FlowEngine<double> engine = Engine.Open<double>(Checkpoint.Of(trained.Flow));
        return Evaluation.LogProbOf(engine, rows).Average();
    }

    // Normal rows in other units that lean on each other, and on two contexts.
    private static Table Leaning(int count, bool context)
    {
        double[] noise = new double[count * 5], rows = new double[count * 3], given = new double[count * 2];
        Noise.FillNormal(7, 0, 5, noise.AsSpan());
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<double> e = noise.AsSpan(i * 5, 5);
            (given[2 * i], given[2 * i + 1]) = (3 + 2 * e[3], 0.01 * (e[3] + e[4]));
            double by = context ? 4 * given[2 * i] - 300 * given[2 * i + 1] : 0;
            rows[3 * i] = 100 + 7 * e[0] + by;
            rows[3 * i + 1] = 0.3 * e[0] + 0.05 * e[1] - by;
            rows[3 * i + 2] = e[1] - 2 * e[0] + 0.5 * e[2];
        }
        return new Table(rows, 3, null, context ? new Table(given, 2) : null);
    }
}
