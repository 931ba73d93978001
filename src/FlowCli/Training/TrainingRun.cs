using System.Diagnostics;
using System.Reflection;
using FlowCore;
using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>From a file to a checkpoint: load, check, split, train, look at the held-out rows, write.</summary>
internal static class TrainingRun
{
    public static void Run(TrainingRequest request, Terminal terminal)
    {
        var clock = Stopwatch.StartNew();
        NewCheckpoint.Check(request.Out);
        TrainingPlan plan = TrainingPlan.Of(request, terminal);
        TrainingData data = plan.Data;
        DataSplit split = DataSplit.By(data.Table, request.Options.Seed);
        Warn(terminal, plan.Warnings);
        terminal.Output.WriteLine(
            $"{request.Name}: {request.Preset}, {ModelCard.Datum(plan)}; {split.Train.Rows} rows to train, {split.Validation.Rows} to validate, {split.Test.Rows} to test"
            + (data.LeftOut > 0 ? $"; {data.LeftOut} rows with {request.Label} != 0 left out" : ""));
        terminal.Output.Flush(); // a log shall not wait for the first epoch

        using TrainedFlow trained = TrainingDisplay.Show(
            terminal, report => FlowSearch.Train(request.Preset, plan.Create, split, request.OptionsAfter(clock.Elapsed), report, terminal.Stop));
        Evaluation evaluation = Evaluation.Of(trained.Flow, split.Train, split.Test, request.Options.Seed, request.Options.Threads);
        Check(evaluation, request.Preset);
        Checkpoint checkpoint = Checkpoint.Of(trained.Flow);
        FlowSpec described = checkpoint.Spec with
        {
            Provenance = new Provenance
            {
                Source = "flow train",
                Version = typeof(TrainingRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
                Command = request.Command,
                Data = request.Origin is null ? Path.GetFileName(request.Data) : $"{Path.GetFileName(request.Data)}: {request.Origin}",
                DataSha256 = data.Sha256,
                Created = TimeProvider.System.GetUtcNow(),
            },
            Training = Record(request, plan, split, trained, evaluation),
        };
        CalibrationSet calibration = CalibrationRun.Of(checkpoint, split.Test, Kernel(plan, split), request.Options.Threads);
        string card = ModelCard.Write(new(request, plan, split, trained, evaluation, described)
        {
            Calibration = calibration,
            Enlargement = Enlargement.Of(checkpoint, split.Test, request.Options.Seed, request.Options.Threads),
        });
        (checkpoint with { Spec = described, Calibration = calibration }).Write(request.Out, card);
        TrainingSummary.Print(terminal, request, trained, evaluation, described);
        Warn(terminal, FitWarnings.Of(trained));
        Warn(terminal, FitWarnings.Of(evaluation, described));
    }

    /// <summary>Refuses a flow that float32 cannot compute.</summary>
    internal static void Check(Evaluation evaluation, string preset)
    {
        if (!evaluation.Stability.Holds)
            throw new FlowException(
                $"the trained flow is unstable in float32, so nothing is written: {FitWarnings.Why(evaluation.Stability)}: take {FitWarnings.MoreStable}"
                + (FlowPresets.Names.Contains(preset) ? $", or --flow {FlowSearch.Auto}, which leaves out kinds that float32 cannot compute" : "")
                + (preset == FlowSearch.Auto ? ", and look for columns whose extreme values can be left out" : ""));
    }

    // Near which rows a row lies says nothing of what its context lets expect, nor of images.
    private static KernelDensity? Kernel(TrainingPlan plan, DataSplit split) => plan.Pixels is null && plan.Spec.Context is null
        ? KernelDensity.Of(Table.Joined(split.Train, split.Validation))
        : null;

    private static void Warn(Terminal terminal, IEnumerable<string> warnings)
    {
        foreach (string warning in warnings)
            terminal.Error.WriteLine($"warning: {warning}");
    }

    private static TrainingRecord Record(TrainingRequest request, TrainingPlan plan, DataSplit split, TrainedFlow trained, Evaluation evaluation) => new()
    {
        Seed = request.Options.Seed,
        Rows = split.Train.Rows,
        ValidationRows = split.Validation.Rows,
        TestRows = split.Test.Rows,
        Epochs = trained.Epochs,
        Seconds = Math.Round(trained.Elapsed.TotalSeconds, 1),
        SkippedSteps = trained.SkippedSteps,
        MeanTestLogLikelihood = evaluation.Mean,
        MedianTestLogLikelihood = evaluation.MedianOfRows,
        GaussianMeanTestLogLikelihood = evaluation.GaussianMean,
        GaussianMedianTestLogLikelihood = evaluation.GaussianMedian,
        Columns = plan.Pixels is null ? [.. ColumnFacts.Of(split.Train).Select((column, at) => Record(column, plan.Steps?[at] ?? 0))] : null,
    };

    private static ColumnRecord Record(ColumnFacts column, double step) => new(
        column.IsInteger ? "integer" : "number", column.Least, column.Largest, step > 0 ? "dequantized" : null, step > 0 ? step : null);
}
