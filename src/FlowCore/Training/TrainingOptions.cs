using FlowCore.Engines;

namespace FlowCore.Training;

/// <summary>How a flow is trained. Each default says why.</summary>
public sealed record TrainingOptions
{
    /// <summary>The source of every random choice: split, weights, order of the rows, dequantisation.</summary>
    public ulong Seed { get; init; }

    /// <summary>Passes over the training rows; null for as many as make 3/2 steps a row, between 400 and 3000 steps: small tables overfit soon.</summary>
    public int? Epochs { get; init; }

    /// <summary>Training stops after the step that passes this time; the learning rate reaches 0 there, where the planned steps would take longer.</summary>
    public TimeSpan? MaxTime { get; init; }

    /// <summary>Rows a step; null for an eighth of the training rows, between 32 and 512: small data gain from the noise of small steps.</summary>
    public int? BatchSize { get; init; }

    /// <summary>The learning rate at the start; a half cosine takes it to 0 at the last step.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>
    /// Decoupled weight decay on the conditioners' matrices alone: scales and shifts of the data are not to be shrunk. Null for
    /// (250 / rows)^2, at most 1: a few hundred rows need it badly, thousands are smoother without.
    /// </summary>
    public double? WeightDecay { get; init; }

    /// <summary>
    /// The learning rate of the linear layers' triangular factors, as a share of the others': they have as many entries as a few hundred rows have values, and
    /// learned as fast, they fit the rows' chance correlations.
    /// </summary>
    public double MixingRate { get; init; } = 0.1;

    /// <summary>The largest norm of a step's gradient: one outlying row must not undo an epoch.</summary>
    public double GradientNorm { get; init; } = 5;

    /// <summary>Validations without a better median before training stops, as a share of the planned ones.</summary>
    public double Patience { get; init; } = 0.3;

    /// <summary>What computes the steps: the compiled trainer where it can, or TorchSharp.</summary>
    public EngineKind Engine { get; init; }

    /// <summary>The cores that the compiled trainer spreads a step over: the result is the same, bit for bit.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary><c>cpu</c>, <c>cuda</c> or <c>cuda:n</c>.</summary>
    public string Device { get; init; } = "cpu";

    public int BatchSizeFor(int rows) => Math.Min(rows, BatchSize ?? Math.Clamp(rows / 8, 32, 512));

    public int EpochsFor(int rows)
    {
        int steps = (rows + BatchSizeFor(rows) - 1) / BatchSizeFor(rows);
        return Epochs ?? Math.Max(20, Math.Clamp(rows * 3 / 2, 400, 3000) / steps);
    }

    public double WeightDecayFor(int rows) => WeightDecay ?? Math.Min(1, Math.Pow(250.0 / rows, 2));
}
