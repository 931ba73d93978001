namespace FlowCore.Training;

/// <summary>
/// Where training stands after a validation. Log-likelihoods are in nats per row: the mean over the epoch's training rows, and
/// the score of the validation rows (<see cref="HeldOutScore"/>).
/// </summary>
public sealed record TrainingProgress(
    int Epoch, int Epochs, double TrainLogLikelihood, double ValidationLogLikelihood, double RowsPerSecond, TimeSpan Elapsed)
{
    /// <summary>Which of several flows is trained; null where there is one.</summary>
    public string? Preset { get; init; }

    /// <summary>The share of the time that training was given; 0 where it was given none.</summary>
    public double Spent { get; init; }

    /// <summary>What is done of what will be, from 0 to 1: the planned epochs, or the time where that ends first.</summary>
    public double Share => Math.Clamp(Math.Max((double)Epoch / Epochs, Spent), 0, 1);

    /// <summary>The time that the rest still needs at this speed.</summary>
    public TimeSpan Left => Share > 0 ? Elapsed * ((1 - Share) / Share) : TimeSpan.Zero;
}

/// <summary>Why training ended.</summary>
public enum TrainingEnd
{
    /// <summary>All epochs were run.</summary>
    Epochs,

    /// <summary>The score of the validation rows did not improve any more.</summary>
    Patience,

    /// <summary>The time was up.</summary>
    Time,

    /// <summary>Someone asked to stop.</summary>
    Cancelled,
}

/// <summary>A trained flow with the best weights seen, on the CPU, and how it came to them.</summary>
public sealed record TrainedFlow(
    Flow Flow, TrainingEnd End, int Epochs, int BestEpoch, double BestValidation, int Steps, int SkippedSteps, TimeSpan Elapsed) : IDisposable
{
    public double RowsPerSecond { get; init; }

    /// <summary>Whether its validation rows have no lower mean and median than under the training rows' Gaussian.</summary>
    public bool ReachesGaussian => Look.ReachesGaussian;

    /// <summary>The time that all threads of the process computed meanwhile.</summary>
    public TimeSpan ProcessorTime { get; init; }

    /// <summary>What it was chosen as; null where it was asked for.</summary>
    public string? Preset { get; init; }

    /// <summary>All that were tried, this one among them.</summary>
    public IReadOnlyList<TriedFlow> Tried { get; init; } = [];

    /// <summary>Whether it learned from the validation rows too, in the end.</summary>
    public bool Refitted { get; init; }

    /// <summary>How far float32 fails to compute what it became by that, so that it was left as it was; null where nothing did.</summary>
    public Stability? UnstableRefit { get; init; }

    internal HeldOutLook Look { get; init; }

    /// <summary>Where the best weights were found.</summary>
    internal Replay Best { get; init; }

    /// <summary>What computed the steps: <c>compiled</c> or <c>torch</c>.</summary>
    public string Engine { get; init; } = "compiled";

    /// <summary>Why it was not the compiled trainer; null where it was.</summary>
    public string? EngineReason { get; init; }

    public void Dispose() => Flow.Dispose();
}
