using System.Globalization;
using FlowCore;
using FlowCore.Training;
using Spectre.Console;

namespace FlowCli.Training;

/// <summary>What <c>flow train</c> prints at its end.</summary>
internal static class TrainingSummary
{
    public static void Print(Terminal terminal, TrainingRequest request, TrainedFlow trained, Evaluation evaluation, FlowSpec spec)
    {
        TextWriter output = terminal.Output;
        output.WriteLine(Ended(trained));
        Table(evaluation, spec, terminal.Console());
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"round trip: {evaluation.RoundTrip32:E1} standard deviations in float32, {evaluation.RoundTrip64:E1} in float64"));
        output.WriteLine($"written: {request.Out}");
    }

    /// <summary>One sentence on how training ended.</summary>
    public static string Ended(TrainedFlow trained)
    {
        string reason = trained.End switch
        {
            TrainingEnd.Patience => "the validation rows did not gain any more",
            TrainingEnd.Time => "the time was up",
            TrainingEnd.Cancelled => "stopped by request",
            _ => "all epochs were run",
        };
        string skipped = trained.SkippedSteps > 0 ? $", {trained.SkippedSteps} of them skipped for a gradient that was not finite" : "";
        string engine = trained.EngineReason is { } why ? $"TorchSharp ({why})" : "the compiled trainer";
        return string.Create(CultureInfo.InvariantCulture,
            $"{(trained.Tried.Count > 1 ? $"chose {trained.Preset} among {string.Join(", ", trained.Tried.Select(each => each.Preset))}; " : "")}trained {trained.Epochs} epochs ({trained.Steps} steps{skipped}) by {engine} in {Duration.Format(trained.Elapsed)}: {reason}; the weights are those of epoch {trained.BestEpoch}");
    }

    private static void Table(Evaluation evaluation, FlowSpec spec, IAnsiConsole console)
    {
        var table = new Spectre.Console.Table().Border(TableBorder.Simple)
            .AddColumn("test log-likelihood")
            .AddColumn(new TableColumn("mean, nats").RightAligned())
            .AddColumn(new TableColumn("median, nats").RightAligned())
            .AddColumn(new TableColumn("mean, bits/dim").RightAligned())
            .AddColumn(new TableColumn("worst row").RightAligned());
        Row(table, "this flow", evaluation.LogProb, spec.FreeWidth);
        Row(table, ModelCard.Yardstick(spec), evaluation.GaussianLogProb, spec.FreeWidth);
        console.Write(table);
    }

    private static void Row(Spectre.Console.Table table, string name, double[] logProb, int width) => table.AddRow(
        name,
        Number(logProb.Average()),
        Number(Median.Of(logProb)),
        Number(Evaluation.BitsPerDimension(logProb.Average(), width)),
        Number(logProb.Min()));

    private static string Number(double value) => value.ToString("F3", CultureInfo.InvariantCulture);
}
