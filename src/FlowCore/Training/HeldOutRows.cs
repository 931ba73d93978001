namespace FlowCore.Training;

/// <summary>What a look at the held-out rows shows, in nats a row.</summary>
/// <param name="Score">What <see cref="HeldOutScore"/> makes of them.</param>
/// <param name="BelowGaussian">How far their mean or their median lies below the Gaussian's, whichever more; 0 or less where neither does.</param>
internal readonly record struct HeldOutLook(double Score, double BelowGaussian)
{
    /// <summary>Each row's part of the score.</summary>
    public double[] OfRows { get; init; } = [];

    /// <summary>Whether neither their mean nor their median lies below the Gaussian's.</summary>
    public bool ReachesGaussian => BelowGaussian <= 0;

    /// <summary>A flow that stays below the Gaussian is never better than one that does not.</summary>
    /// <param name="other">The other flow's look.</param>
    /// <param name="lead">What the other may lack of the score, and of the Gaussian, and is still no worse: in nats a row.</param>
    public bool IsBetterThan(HeldOutLook other, double lead = 0) =>
        ReachesGaussian == (other.BelowGaussian <= lead) ? Score > other.Score + lead : ReachesGaussian;

    /// <summary>The standard error of the difference between this look's score and another's on the same rows.</summary>
    public double ErrorBeside(HeldOutLook other)
    {
        double[] differences = [.. OfRows.Zip(other.OfRows, (here, there) => here - there)];
        double mean = differences.Average();
        return Math.Sqrt(differences.Sum(each => (each - mean) * (each - mean)) / differences.Length / Math.Max(1, differences.Length - 1));
    }
}

/// <summary>The rows that decide when to stop, with noise that stays the same from one look to the next.</summary>
internal sealed class HeldOutRows
{
    private readonly float[] rows, contexts;
    private readonly double[] logProb;
    private readonly HeldOutScore score;

    public HeldOutRows(TrainingRows train, TrainingRows validation, FlowSpec spec)
    {
        (rows, contexts) = validation.All();
        logProb = new double[validation.Count];
        score = new HeldOutScore(train.AsTable(), validation.AsTable(), spec);
    }

    /// <summary>How the flow does on them as it is now.</summary>
    public HeldOutLook Look(Learner learner)
    {
        learner.LogProb(rows, contexts, logProb);
        double[] ofRows = score.OfRows(logProb);
        return new(ofRows.Average(), score.BelowGaussian(logProb)) { OfRows = ofRows };
    }
}
