using FlowCore.Engines;

namespace FlowCore.Training;

/// <summary>So many steps, at the end of which the schedule of the learning rate is at this share.</summary>
internal readonly record struct Replay(int Steps, double Share);

/// <summary>How a flow is trained. Each default says why.</summary>
public sealed record TrainingOptions
{
    // A step's time grows with its rows: more than these teach less than another step would.
    private const int MostRowsAStep = 512, ImagesAStep = 64;

    // Small tables overfit soon; large ones go on learning, and their steps are cheap.
    private const int FewestEpochs = 20, FewestSteps = 400, UsualSteps = 3000, MostSteps = 12_000;

    /// <summary>The source of every random choice: split, weights, order of the rows, dequantisation.</summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// Passes over the training rows; null for as many as make 3/2 steps a row, at least 400; at most 3000 of a table, and more beyond 8000 rows; at
    /// most 12,000 of any.
    /// </summary>
    public int? Epochs { get; init; }

    /// <summary>Training stops after the step that passes this time; the learning rate reaches 0 there, where the planned steps would take longer.</summary>
    public TimeSpan? MaxTime { get; init; }

    /// <summary>The same, counted in the time that all threads of the process compute: it measures the work, whatever else the machine does.</summary>
    public TimeSpan? MaxProcessorTime { get; init; }

    /// <summary>Rows a step; null for an eighth of the training rows, between 32 and 512, and 64 images: small data gain from the noise of small steps.</summary>
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

    /// <summary>Validations without a better score before training stops, as a share of the planned ones.</summary>
    public double Patience { get; init; } = 0.3;

    /// <summary>Whether <see cref="FlowSearch"/> trains the flow that it chose once more, on the validation rows too, for as long as it needed.</summary>
    public bool Refit { get; init; }

    /// <summary>For a mixture in the base: the rows with their common covariance that are added to each component; null for as many as there are features.</summary>
    internal double? MixturePrior { get; init; }

    /// <summary>A training to repeat on other rows, without looking at validation rows; null for one of its own.</summary>
    internal Replay? Replay { get; init; }

    /// <summary>What computes the steps: the compiled trainer where it can, or TorchSharp.</summary>
    public EngineKind Engine { get; init; }

    /// <summary>The cores that the compiled trainer spreads a step over: the result is the same, bit for bit.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary><c>cpu</c>, <c>cuda</c> or <c>cuda:n</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <param name="rows">The training rows.</param>
    /// <param name="images">Whether each has thousands of values, so that its gradient is known well from few, and dear.</param>
    public int BatchSizeFor(int rows, bool images) => Math.Min(rows, BatchSize ?? (images ? ImagesAStep : Math.Clamp(rows / 8, 32, MostRowsAStep)));

    /// <param name="rows">The training rows.</param>
    /// <param name="batch">The rows a step.</param>
    /// <param name="images">Whether they are images, which go on learning for longer.</param>
    public int EpochsFor(int rows, int batch, bool images) =>
        Epochs ?? Math.Max(FewestEpochs, StepsFor(rows, images) / ((rows + batch - 1) / batch));

    private static int StepsFor(int rows, bool images) =>
        (int)Math.Max(Math.Clamp(rows * 3L / 2, FewestSteps, images ? MostSteps : UsualSteps), Math.Min(rows * 3L / 8, MostSteps));

    public double WeightDecayFor(int rows) => WeightDecay ?? Math.Min(1, Math.Pow(250.0 / rows, 2));
}
