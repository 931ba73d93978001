namespace FlowCore.Training;

/// <summary>The rows that decide when to stop, with noise that stays the same from one look to the next.</summary>
internal sealed class HeldOutRows
{
    private readonly float[] rows, contexts;
    private readonly double[] logProb;

    public HeldOutRows(TrainingRows validation, FlowSpec spec)
    {
        (rows, contexts) = (new float[validation.Count * spec.Width], new float[validation.Count * spec.ContextWidth]);
        logProb = new double[validation.Count];
        validation.Take(RowOrder.First(validation.Count), epoch: 0, rows, contexts);
    }

    /// <summary>log p of each of them as the flow is now, in nats; good until the next call.</summary>
    public double[] LogProb(Learner learner)
    {
        learner.LogProb(rows, contexts, logProb);
        return logProb;
    }
}
