using System.Globalization;
using FlowCore.Training;
using Spectre.Console;

namespace FlowCli.Training;

/// <summary>Training as one watches it: a bar on a terminal, a line now and then elsewhere.</summary>
internal static class TrainingDisplay
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(5);

    public static TrainedFlow Show(Terminal terminal, Func<Action<TrainingProgress>, TrainedFlow> train) =>
        terminal.IsInteractive ? Bar(terminal.Console(), train) : Lines(terminal.Output, train);

    public static string Describe(TrainingProgress progress) => string.Create(CultureInfo.InvariantCulture,
        $"{(progress.Preset is { } preset ? $"{preset}: " : "")}epoch {progress.Epoch}/{progress.Epochs}  train {progress.TrainLogLikelihood:F3}  validation {progress.ValidationLogLikelihood:F3}  {progress.RowsPerSecond:N0} rows/s  {Duration.Format(progress.Left)} left");

    private static TrainedFlow Lines(TextWriter output, Func<Action<TrainingProgress>, TrainedFlow> train)
    {
        TimeSpan next = TimeSpan.Zero;
        return train(progress =>
        {
            if (progress.Elapsed < next && progress.Epoch < progress.Epochs)
                return;
            next = progress.Elapsed + BetweenLines;
            output.WriteLine(Describe(progress));
            output.Flush();
        });
    }

    private static TrainedFlow Bar(IAnsiConsole console, Func<Action<TrainingProgress>, TrainedFlow> train) => console.Progress()
        .AutoClear(true)
        .Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
        .Start(context =>
        {
            ProgressTask bar = context.AddTask("training", maxValue: 1);
            return train(progress =>
            {
                bar.Value = progress.Share;
                bar.Description = Describe(progress);
                context.Refresh();
            });
        });
}
