namespace FlowCore.Training;

/// <summary>
/// Where training stands after a validation. Log-likelihoods are in nats per row: the mean over the epoch's training rows, and
/// the median over the validation rows.
/// </summary>
public sealed record TrainingProgress(
    int Epoch, int Epochs, double TrainLogLikelihood, double ValidationLogLikelihood, double RowsPerSecond, TimeSpan Elapsed)
{
    /// <summary>The time that the planned epochs still need at this speed.</summary>
    public TimeSpan Left => Elapsed * ((double)(Epochs - Epoch) / Math.Max(1, Epoch));
}

/// <summary>Why training ended.</summary>
public enum TrainingEnd
{
    /// <summary>All epochs were run.</summary>
    Epochs,

    /// <summary>The validation median did not improve any more.</summary>
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

    public void Dispose() => Flow.Dispose();
}
