using System.Reflection;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>From a file to a checkpoint: load, check, split, train, look at the held-out rows, write.</summary>
internal static class TrainingRun
{
    public static void Run(TrainingRequest request, Terminal terminal)
    {
        if (Directory.Exists(request.Out) && Directory.EnumerateFileSystemEntries(request.Out).Any() || File.Exists(request.Out))
            throw new FlowException($"{request.Out}: exists already; choose another version, or delete it");
        TrainingData data = TrainingData.Load(request.Data, request.Label);
        ColumnFacts[] facts = ColumnFacts.Of(data.Table);
        data.Check(facts);
        double[]? steps = request.Dequantize ? [.. facts.Select(column => column.Step)] : null;
        FlowSpec spec = FlowPresets.Create(request.Preset, request.Name, data.Table.Width, steps, request.Sizes) with { Features = data.Table.Names };
        DataSplit split = DataSplit.By(data.Table, request.Options.Seed);
        string[] warnings = [.. DataWarnings.Of(data.Table, facts, steps)];
        foreach (string warning in warnings)
            terminal.Error.WriteLine($"warning: {warning}");
        terminal.Output.WriteLine(
            $"{request.Name}: {request.Preset}, {data.Table.Width} features; {split.Train.Rows} rows to train, {split.Validation.Rows} to validate, {split.Test.Rows} to test"
            + (data.LeftOut > 0 ? $"; {data.LeftOut} rows with {request.Label} != 0 left out" : ""));

        using TrainedFlow trained = TrainingDisplay.Show(
            terminal, report => Trainer.Train(spec, split, request.Options, report, terminal.Stop));
        Evaluation evaluation = Evaluation.Of(trained.Flow, split.Train, split.Test);
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
            Training = Record(request, split, trained, evaluation),
        };
        string card = ModelCard.Write(new(request, data, steps, split, trained, evaluation, described, warnings));
        (checkpoint with { Spec = described }).Write(request.Out, card);
        TrainingSummary.Print(terminal, request, trained, evaluation, data.Table.Width);
    }

    private static TrainingRecord Record(TrainingRequest request, DataSplit split, TrainedFlow trained, Evaluation evaluation) => new()
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
    };
}
