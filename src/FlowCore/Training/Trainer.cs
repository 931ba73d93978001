namespace FlowCore.Training;

/// <summary>
/// Maximum likelihood by Adam with decoupled weight decay (Loshchilov, Hutter 2019, arXiv 1711.05101), clipped gradients and a
/// cosine schedule; of the start and of the weights' running means, those that do best on the validation rows are kept (<see cref="HeldOutScore"/>
/// says what is best). The same spec, data and options give the
/// same weights, bit for bit, on any number of threads.
/// </summary>
public static class Trainer
{
    private const int FewestStepsBetweenValidations = 25;

    /// <summary>Trains a new flow. Stopping by the token keeps the best weights so far.</summary>
    /// <exception cref="FlowException">No step of a whole epoch gave a finite gradient.</exception>
    public static TrainedFlow Train(
        FlowSpec spec, DataSplit data, TrainingOptions options, Action<TrainingProgress>? report = null, CancellationToken stop = default)
    {
        var budget = new Budget(options);
        Flow flow = StartingPoint.Build(spec, options.Seed);
        var standardization = Standardization.Of(flow, data.Train);
        var train = new TrainingRows(data.Train, standardization, flow, options.Seed, stream: 4);
        var validation = new TrainingRows(data.Validation, standardization, flow, options.Seed, stream: 5);
        StartingPoint.FitToData(flow, train, options);

        using Learner learner = Learner.Of(flow, options, train.Count);
        bool images = spec.EventShape.Length > 1;
        int batch = options.BatchSizeFor(train.Count, images), stepsAnEpoch = (train.Count + batch - 1) / batch;
        long lastStep = options.Replay?.Steps ?? (long)stepsAnEpoch * options.EpochsFor(train.Count, batch, images);
        int epochs = (int)((lastStep + stepsAnEpoch - 1) / stepsAnEpoch);
        double plannedSteps = Math.Ceiling(lastStep / (options.Replay?.Share ?? 1));
        int epochsBetween = (FewestStepsBetweenValidations + stepsAnEpoch - 1) / stepsAnEpoch;
        int patience = Math.Max(5, (int)(options.Patience * epochs / epochsBetween));
        float[] rows = new float[batch * spec.Width], contexts = new float[batch * spec.ContextWidth];
        var heldOut = new HeldOutRows(train, validation, spec);
        int[] order = RowOrder.First(train.Count);
        int epoch = 0, steps = 0, skipped = 0, bestEpoch = 0, sinceBest = 0;
        HeldOutLook best = heldOut.Look(learner);
        learner.Keep();
        double bestShare = 1;
        int bestSteps = 0;
        TrainingEnd? end = lastStep == 0 ? TrainingEnd.Epochs : null;

        while (end is null)
        {
            epoch++;
            RowOrder.Shuffle(order, options.Seed, (uint)epoch);
            double sum = 0, done = 0;
            int counted = 0;
            for (int first = 0; first < train.Count && end is null && steps < lastStep; first += batch, steps++)
            {
                int count = Math.Min(batch, train.Count - first);
                Span<float> taken = rows.AsSpan(0, count * spec.Width), given = contexts.AsSpan(0, count * spec.ContextWidth);
                train.Take(order.AsSpan(first, count), (uint)epoch, taken, given);
                done = Math.Max(steps / plannedSteps, budget.Share);
                var (logProb, norm) = learner.Step(taken, given, 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, done))));
                if (double.IsFinite(norm) && double.IsFinite(logProb))
                {
                    sum += logProb * count;
                    counted += count;
                }
                else
                {
                    skipped++;
                }
                if (stop.IsCancellationRequested)
                    end = TrainingEnd.Cancelled;
                else if (budget.IsOver)
                    end = TrainingEnd.Time;
            }
            if (counted == 0 && end is null && steps % stepsAnEpoch == 0)
                throw new FlowException(
                    $"epoch {epoch}: no step had a finite gradient; look for extreme values in the data, lower the learning rate (--lr), "
                    + "or take fewer layers (--layers)");
            if (steps == lastStep)
                end ??= TrainingEnd.Epochs;
            if (end is null && epoch % epochsBetween != 0)
                continue;

            learner.Swap();
            HeldOutLook look = heldOut.Look(learner);
            if (options.Replay is not null)
            {
                best = look;
            }
            else if (look.IsBetterThan(best))
            {
                (best, bestEpoch, sinceBest, bestSteps, bestShare) = (look, epoch, 0, steps, done);
                learner.Keep();
            }
            else if (++sinceBest >= patience)
            {
                end ??= TrainingEnd.Patience;
            }
            if (options.Replay is null || end is null)
                learner.Swap();
            double mean = counted == 0 ? double.NaN : sum / counted - standardization.LogScale;
            report?.Invoke(new(epoch, epochs, mean, look.Score - standardization.LogScale, RowsPerSecond(), budget.Elapsed) { Spent = budget.Share });
        }
        if (options.Replay is null)
            learner.Restore();
        learner.Finish();
        standardization.Install();
        flow.eval();
        return new(flow, end.Value, epoch, bestEpoch, best.Score - standardization.LogScale, steps, skipped, budget.Elapsed)
        {
            RowsPerSecond = RowsPerSecond(),
            Best = new(bestSteps, bestShare),
            Look = best with { Score = best.Score - standardization.LogScale },
            ProcessorTime = budget.Processor,
            Engine = learner.Engine,
            EngineReason = learner.Reason,
        };

        double RowsPerSecond() => (double)train.Count * steps / stepsAnEpoch / budget.Elapsed.TotalSeconds;
    }
}
