namespace FlowCore;

/// <summary>The facts of a training run. Log-likelihoods are in nats per row, in the data's own units.</summary>
public sealed record TrainingRecord
{
    public ulong Seed { get; init; }

    public int Rows { get; init; }

    public int ValidationRows { get; init; }

    public int TestRows { get; init; }

    public int Epochs { get; init; }

    public double Seconds { get; init; }

    public int SkippedSteps { get; init; }

    public double MeanTestLogLikelihood { get; init; }

    public double MedianTestLogLikelihood { get; init; }

    public double GaussianMeanTestLogLikelihood { get; init; }

    public double GaussianMedianTestLogLikelihood { get; init; }

    /// <summary>What the columns of a table were like in training, in the order of the features; null of images, and of older models.</summary>
    public ColumnRecord[]? Columns { get; init; }
}

/// <summary>What a column was like in training.</summary>
/// <param name="Type">integer or number.</param>
/// <param name="Least">The least value of the training rows.</param>
/// <param name="Largest">The largest value of the training rows.</param>
/// <param name="Transform">dequantized where it was spread by noise in training, over its <paramref name="Step"/>; null for none. What the flow itself does stands among its bijections.</param>
/// <param name="Step">The distance between neighbouring values of a dequantized column.</param>
public sealed record ColumnRecord(string Type, double Least, double Largest, string? Transform = null, double? Step = null);
