using System.CommandLine;
using FlowCli.Training;
using FlowCore;
using FlowCore.Conditioners;
using FlowCore.Tensors;
using FlowCore.Training;

namespace FlowCli.Commands;

/// <summary><c>flow train</c>: a table to a checkpoint.</summary>
internal static class TrainCommand
{
    public static Command Create(Terminal terminal, string[] arguments)
    {
        var data = new Option<string>("--data") { Description = "The rows to learn from, .csv (with a header) or .npy.", HelpName = "FILE", Required = true };
        var output = new Option<string>("--out") { Description = "The checkpoint's folder, models/NAME/VERSION; it must not exist.", HelpName = "FOLDER", Required = true };
        var label = new Option<string?>("--label") { Description = "A column that is no feature; rows where it is not 0 are left out.", HelpName = "COLUMN" };
        var flow = new Option<string>("--flow") { Description = "The kind of flow.", DefaultValueFactory = _ => FlowPresets.Nsf };
        flow.AcceptOnlyFromAmong([.. FlowPresets.Names]);
        var layers = CommonOptions.Count("--layers", "Coupling layers.");
        var hidden = CommonOptions.Count("--hidden", "Width of the hidden layers.");
        var activation = new Option<string?>("--activation") { Description = "The nonlinearity of the networks, relu by default; tanh makes smoother densities.", HelpName = "NAME" };
        activation.AcceptOnlyFromAmong([.. Activation.Names]);
        var seed = new Option<ulong>("--seed") { Description = "The source of every random choice (default 0).", HelpName = "N" };
        var epochs = CommonOptions.Count("--epochs", "Most passes over the training rows; without it, by the number of rows.");
        var maxTime = MaxTime();
        var batch = CommonOptions.Count("--batch", "Rows a step; without it, by the number of rows.");
        var rate = CommonOptions.Positive("--lr", "The learning rate at the start.");
        var dequantize = new Option<string>("--dequantize") { Description = "Integer-valued columns: auto spreads them by uniform noise, none does not.", DefaultValueFactory = _ => "auto" };
        dequantize.AcceptOnlyFromAmong("auto", "none");
        var origin = new Option<string?>("--origin") { Description = "Who made the data, under which licence: for the model card.", HelpName = "TEXT" };
        var threads = CommonOptions.Count("--threads", "Threads for one tensor operation; small flows are fastest with 1 (default).");
        var device = CommonOptions.Device();
        var command = new Command("train", "Trains a flow on a table and writes a checkpoint with its model card.")
        {
            data, label, flow, output, seed, epochs, maxTime, layers, hidden, activation, batch, rate, device, dequantize, origin, threads,
        };
        command.SetAction(parsed =>
        {
            Libtorch.Threads = parsed.GetValue(threads) ?? 1;
            var defaults = new TrainingOptions();
            TrainingRun.Run(new()
            {
                Data = parsed.GetRequiredValue(data),
                Out = parsed.GetRequiredValue(output),
                Label = parsed.GetValue(label),
                Preset = parsed.GetRequiredValue(flow),
                Sizes = new(
                    parsed.GetValue(layers), parsed.GetValue(hidden), parsed.GetValue(activation) is { } named ? Activation.Parse(named) : null),
                Dequantize = parsed.GetValue(dequantize) == "auto",
                Origin = parsed.GetValue(origin),
                Command = "flow " + string.Join(' ', arguments.Select(Quoted)),
                Options = defaults with
                {
                    Seed = parsed.GetValue(seed),
                    Epochs = parsed.GetValue(epochs),
                    MaxTime = parsed.GetValue(maxTime),
                    BatchSize = parsed.GetValue(batch),
                    LearningRate = parsed.GetValue(rate) ?? defaults.LearningRate,
                    Device = parsed.GetRequiredValue(device),
                },
            }, terminal);
        });
        return command;
    }

    private static Option<TimeSpan?> MaxTime() => new("--max-time")
    {
        Description = "Stop after this time with the best weights so far: 90s, 5m, 1h30m.",
        HelpName = "TIME",
        CustomParser = result =>
        {
            if (Duration.TryParse(result.Tokens[0].Value, out TimeSpan span))
                return span;
            result.AddError($"--max-time: '{result.Tokens[0].Value}' is not a time such as 90s, 5m or 1h30m");
            return null;
        },
    };

    private static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsLetterOrDigit(c) || "-_./=:,+".Contains(c)) ? argument : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
