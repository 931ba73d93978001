using FlowCore.Training.Mixtures;

namespace FlowCore.Training;

/// <summary>A kind of flow that was tried, its validation score in nats a row, and what it took.</summary>
public sealed record TriedFlow(string Preset, double Score, int Steps, TimeSpan Elapsed)
{
    /// <summary>How far float32 fails to compute it, where it would have been chosen but for that; else null.</summary>
    public Stability? Unstable { get; init; }
}

/// <summary>
/// The choice of a flow by what held-out rows say: a mixture of normals, splines over a single normal, and splines over that mixture,
/// each trained in its share of the time. The classical density is among them, so that no table is served by a worse one. What float32
/// cannot compute on the test rows is not chosen while there is another: it could not be served. Nothing else is asked of those rows.
/// </summary>
public static class FlowSearch
{
    /// <summary>The name that asks for it.</summary>
    public const string Auto = "auto";

    // What a simpler flow may lie below a more complicated one of another kind and still be taken, in nats a row, or one standard error of their
    // difference where that is more (Breiman, Friedman, Olshen, Stone 1984, "Classification and regression trees"): of few rows the
    // best is the luckiest. Splines that began as the mixture need no more than that: what they gained on it, they gained.
    private const double Tie = 0.02;

    // What a last training on all rows takes of the time.
    private const double RefitShare = 0.3;

    /// <summary>Trains one kind of flow, or all candidates, of which it returns the best and disposes of the others.</summary>
    /// <param name="preset">A preset, or <see cref="Auto"/>.</param>
    /// <param name="create">The flow of a preset for these rows.</param>
    /// <param name="data">The rows.</param>
    /// <param name="options">How; a limit of time is for all of them together.</param>
    /// <param name="report">What is told of every candidate's validations.</param>
    /// <param name="stop">Stops the search with the best so far.</param>
    public static TrainedFlow Train(
        string preset, Func<string, FlowSpec> create, DataSplit data, TrainingOptions options, Action<TrainingProgress>? report = null, CancellationToken stop = default)
    {
        var budget = new Budget(options);
        var tried = new List<TriedFlow>();
        TrainedFlow? best = null;
        FlowSpec? bestSpec = null;
        bool isUnstable = false; // the best so far
        bool isAuto = preset == Auto;
        var (spline, over) = data.Train.Width == 1
            ? (FlowPresets.NsfAutoregressive, FlowPresets.NsfAutoregressiveMixture) : (FlowPresets.Nsf, FlowPresets.NsfMixture);
        MixtureSize mixture = FlowPresets.HasMixture(preset) || isAuto && data.Train.Context is null ? Choose(create(FlowPresets.Mixture), data, options, budget) : default;
        options = options with { MixturePrior = mixture.Prior };
        double rest = options.Refit ? 1 - RefitShare : 1;
        if (preset == FlowPresets.Mixture || isAuto && mixture.Components > 0)
            Try(FlowPresets.Mixture, options with { Epochs = 0 });
        if (isAuto)
            Try(spline, Rest(rest * (mixture.Components > 1 ? 0.5 : 1)));
        if (isAuto && mixture.Components > 1)
            Try(over, Rest(rest));
        if (!isAuto && preset != FlowPresets.Mixture)
            Try(preset, Rest(rest));
        // Without time for its steps it would be thrown away, and the mixture that it begins with fitted in vain.
        if (options.Refit && !budget.IsOver && !stop.IsCancellationRequested)
            Refit();
        return best! with { Tried = tried, Elapsed = budget.Elapsed, ProcessorTime = budget.Processor };

        void Try(string name, TrainingOptions with)
        {
            if (best is not null && !isUnstable && (budget.IsOver || stop.IsCancellationRequested))
                return;
            FlowSpec spec = FlowPresets.HasMixture(name)
                ? FlowPresets.OverMixture(create(name), Math.Max(1, mixture.Components), mixture.HasFront) : create(name);
            TrainedFlow next = Named(name, Trainer.Train(spec, data, with, progress => report?.Invoke(progress with { Preset = name }), stop));
            bool gainedOnMixture = name == over && best?.Preset == FlowPresets.Mixture && next.BestEpoch > 0;
            bool isBetter = best is null || isUnstable
                || next.Look.IsBetterThan(best.Look, Math.Max(gainedOnMixture ? 0 : Tie, next.Look.ErrorBeside(best.Look)));
            Stability? unstable = isAuto && isBetter ? Unstable(next) : null;
            tried.Add(new(name, next.BestValidation, next.Steps, next.Elapsed) { Unstable = unstable });
            if (best is null || isBetter && unstable is null)
                (best, next, bestSpec, isUnstable) = (next, best!, spec, unstable is not null);
            next?.Dispose();
        }

        void Refit()
        {
            DataSplit all = data with { Train = Table.Joined(data.Train, data.Validation) };
            int steps = (int)Math.Ceiling((double)best!.Best.Steps * all.Train.Rows / data.Train.Rows);
            string name = best.Preset!;
            TrainedFlow next = Named(name, Trainer.Train(
                bestSpec!, all, Rest(1) with { Replay = new(steps, best.Best.Share) },
                progress => report?.Invoke(progress with { Preset = $"{name}, on all rows" }), stop));
            // Rows that it has learned from must be no stranger to it than before, but for what chance does to a fit.
            bool isBetter = next.End == TrainingEnd.Epochs && !best.Look.IsBetterThan(next.Look, Tie);
            Stability? unstable = isBetter && !isUnstable ? Unstable(next) : null;
            if (unstable is not null)
                best = best with { UnstableRefit = unstable };
            else if (isBetter)
                (best, next) = (best with { Flow = next.Flow, Refitted = true }, next with { Flow = best.Flow });
            next.Dispose();
        }

        Stability? Unstable(TrainedFlow trained)
        {
            Table heldOut = data.Test.Rows > 0 ? data.Test : data.Validation;
            var stability = Evaluation.StabilityOf(trained.Flow, data.Train, heldOut, options.Seed, options.Threads);
            return stability.Holds ? null : stability;
        }

        TrainingOptions Rest(double share) => budget.Rest(options, share);

        TrainedFlow Named(string name, TrainedFlow trained) => trained with { Preset = name };
    }

    private static MixtureSize Choose(FlowSpec spec, DataSplit data, TrainingOptions options, Budget budget)
    {
        using Flow flow = FlowBuilder.Build(spec);
        var standardization = Standardization.Of(flow, data.Train);
        Table train = new TrainingRows(data.Train, standardization, flow, options.Seed, stream: 4).AsTable();
        Table validation = new TrainingRows(data.Validation, standardization, flow, options.Seed, stream: 5).AsTable();
        var score = new HeldOutScore(train, validation, spec);
        return MixtureSearch.Choose(train, validation, logProb => score.Of(logProb), options.Seed, () => budget.Share);
    }
}
