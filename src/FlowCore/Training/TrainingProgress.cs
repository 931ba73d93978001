namespace FlowCore.Training;

/// <summary>
/// Where training stands after a validation. Log-likelihoods are in nats per row: the mean over the epoch's training rows, and
/// the median over the validation rows.
/// </summary>
public sealed record TrainingProgress(
    int Epoch, int Epochs, double TrainLogLikelihood, double ValidationLogLikelihood, double RowsPerSecond, TimeSpan Elapsed)
{
    /// <summary>The time that training was given; null for as long as it takes.</summary>
    public TimeSpan? Limit { get; init; }

    /// <summary>What is done of what will be, from 0 to 1: the planned epochs, or the time where that ends first.</summary>
    public double Share => Math.Clamp(Math.Max((double)Epoch / Epochs, Limit is { } limit ? Elapsed / limit : 0), 0, 1);

    /// <summary>The time that the rest still needs at this speed.</summary>
    public TimeSpan Left => Share > 0 ? Elapsed * ((1 - Share) / Share) : TimeSpan.Zero;
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

    /// <summary>What computed the steps: <c>compiled</c> or <c>torch</c>.</summary>
    public string Engine { get; init; } = "compiled";

    /// <summary>Why it was not the compiled trainer; null where it was.</summary>
    public string? EngineReason { get; init; }

    public void Dispose() => Flow.Dispose();
}
