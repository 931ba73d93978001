using System.CommandLine;
using FlowCli.Training;
using FlowCli.Training.Sounds;
using FlowCore;
using FlowCore.Conditioners;
using FlowCore.Training;
using FlowRows;

namespace FlowCli.Commands;

/// <summary><c>flow train</c>: a table to a checkpoint.</summary>
internal static class TrainCommand
{
    public static Command Create(Terminal terminal, string[] arguments)
    {
        var input = new Option<string>("--input") { Description = $"The rows to learn from, as {RowFormats.ListedExtensions}, each optionally followed by .gz; for a vocoder, a folder of WAV files.", HelpName = "FILE", Required = true };
        var output = new Option<string>("--out") { Description = "The checkpoint's folder, models/NAME/VERSION; it must not exist.", HelpName = "FOLDER", Required = true };
        var columns = RowOptions.Names("--columns", "The columns to use as features, in this order; by default, all columns that no other option names.");
        var exclude = RowOptions.Names("--exclude", "Columns to leave out, whatever they hold: names, dates, identifiers.");
        var header = RowOptions.HeaderOption();
        var layout = RowOptions.LayoutOption();
        var label = new Option<string?>("--label") { Description = "A column that is not a feature; rows where it is not 0 are left out.", HelpName = "COLUMN" };
        var flow = new Option<string>("--flow") { Description = "The kind of flow; auto tries a mixture of normals, splines, and splines over that mixture, and keeps what held-out rows like best.", DefaultValueFactory = _ => FlowSearch.Auto };
        flow.AcceptOnlyFromAmong([FlowSearch.Auto, .. FlowPresets.Names, .. ImagePresets.Names, SuperResolutionPreset.Name, VocoderPreset.Name]);
        var samplesASecond = CommonOptions.Count("--rate", "Of vocoder: samples a second of its sounds (default 8000).", least: 1000);
        var condition = new ConditionOptions();
        var images = new ImageOptions(flow);
        var layers = CommonOptions.Count("--layers", "Coupling layers; for an image flow, steps per level.");
        var hidden = CommonOptions.Count("--hidden", "Width of the hidden layers; for an image flow, their channels.");
        var activation = new Option<string?>("--activation") { Description = "The activation function of the networks, relu by default; tanh makes smoother densities.", HelpName = "NAME" };
        activation.AcceptOnlyFromAmong([.. Activation.Names]);
        var seed = new Option<ulong>("--seed") { Description = "The seed of every random choice (default 0).", HelpName = "N" };
        var epochs = CommonOptions.Count("--epochs", "The maximum number of passes over the training rows; by default it depends on the number of rows.");
        var maxTime = MaxTime("--max-time", "Stop after this time with the best weights so far: 90s, 5m, 1h30m.");
        var maxCpu = MaxTime("--max-cpu", "The same, counted in the time that all cores together compute: the same work on a busy machine.");
        var dropConstant = new Option<bool>("--drop-constant") { Description = "Leave out columns in which every row has the same value, as by default; false refuses them.", HelpName = "YES", DefaultValueFactory = _ => true };
        var refit = new Option<bool?>("--refit") { Description = "Train once more at the end, as long as was best, on the validation rows too (default with auto; --refit false does not).", HelpName = "YES" };
        var batch = CommonOptions.Count("--batch", "Rows per step; by default it depends on the number of rows.");
        var rate = CommonOptions.Positive("--lr", "The learning rate at the start.");
        var dequantize = new Option<string>("--dequantize") { Description = "auto spreads columns of integers by uniform noise, all those of coarse decimals too, none does not.", DefaultValueFactory = _ => "auto" };
        dequantize.AcceptOnlyFromAmong("auto", "all", "none");
        var origin = new Option<string?>("--origin") { Description = "Who made the data and under which licence, for the model card.", HelpName = "TEXT" };
        var threads = CommonOptions.Count("--threads", "Cores that a step is spread over, all by default; the weights do not depend on it.");
        var device = CommonOptions.Device();
        var engine = CommonOptions.Engine();
        var command = new ExampledCommand(
            "train", "Trains a flow on a table, or on images, and writes a checkpoint with its model card.",
            "flow train --input moons.csv --flow realnvp --out models/moons/1")
        {
            input, header, columns, exclude, dropConstant, label, condition.Columns, condition.Class, condition.Categorical, flow, images.Event, layout, images.Labels, images.Range, images.Levels, images.Scale, samplesASecond, output, seed, epochs, maxTime, maxCpu, refit, layers, hidden, activation, batch, rate, device, engine, dequantize, origin, threads,
        };
        command.Validators.Add(condition.Check);
        command.Validators.Add(result =>
        {
            if (result.GetResult(columns) is not null && result.GetResult(exclude) is not null)
                result.AddError("--columns and --exclude: name either the columns to take or those to leave out");
        });
        command.Validators.Add(result => images.Check(result, label, condition.Columns, condition.Class, condition.Categorical));
        command.Validators.Add(result =>
        {
            string other = result.GetResult(flow)?.Tokens is [var named, ..] ? named.Value : FlowSearch.Auto;
            if (result.GetResult(samplesASecond) is not null && other != VocoderPreset.Name)
                result.AddError($"--rate: is for '{VocoderPreset.Name}', which learns sounds; '{other}' does not (--lr is the learning rate)");
        });
        command.SetAction(parsed =>
        {
            var defaults = new TrainingOptions();
            var request = new TrainingRequest
            {
                Data = parsed.GetRequiredValue(input),
                Out = parsed.GetRequiredValue(output),
                Header = RowOptions.HasHeader(parsed, header),
                Columns = Given(parsed.GetValue(columns)),
                Exclude = parsed.GetValue(exclude) ?? [],
                ChannelsLast = RowOptions.AreChannelsLast(parsed, layout),
                DropConstant = parsed.GetValue(dropConstant),
                Label = parsed.GetValue(label),
                Context = parsed.GetValue(condition.Columns) ?? [],
                ContextClass = parsed.GetValue(condition.Class),
                Categorical = parsed.GetValue(condition.Categorical) ?? [],
                Event = Given(parsed.GetValue(images.Event)),
                Labels = parsed.GetValue(images.Labels),
                Range = Given(parsed.GetValue(images.Range)),
                Scale = parsed.GetValue(images.Scale) ?? 4,
                Preset = parsed.GetRequiredValue(flow),
                Sizes = new(
                    parsed.GetValue(layers), parsed.GetValue(hidden), parsed.GetValue(activation) is { } named ? Activation.Parse(named) : null, parsed.GetValue(images.Levels)),
                Dequantize = Enum.Parse<Dequantizing>(parsed.GetRequiredValue(dequantize), ignoreCase: true),
                Origin = parsed.GetValue(origin),
                Command = "flow " + string.Join(' ', arguments.Select(Quoted)),
                Options = defaults with
                {
                    Seed = parsed.GetValue(seed),
                    Epochs = parsed.GetValue(epochs),
                    MaxTime = parsed.GetValue(maxTime),
                    MaxProcessorTime = parsed.GetValue(maxCpu),
                    Refit = parsed.GetValue(refit) ?? parsed.GetRequiredValue(flow) == FlowSearch.Auto,
                    BatchSize = parsed.GetValue(batch),
                    LearningRate = parsed.GetValue(rate) ?? defaults.LearningRate,
                    Device = parsed.GetRequiredValue(device),
                    Engine = parsed.GetValue(engine),
                    Threads = parsed.GetValue(threads) ?? defaults.Threads,
                },
            };
            if (request.Preset == VocoderPreset.Name)
                VocoderRun.Run(request, parsed.GetValue(samplesASecond) ?? 8000, terminal);
            else
                TrainingRun.Run(request, terminal);
        });
        return command;
    }

    // The parser has no null for lists: one that was not given is empty.
    private static T[]? Given<T>(T[]? values) => values is { Length: > 0 } ? values : null;

    private static Option<TimeSpan?> MaxTime(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result =>
        {
            if (Duration.TryParse(result.Tokens[0].Value, out TimeSpan span))
                return span;
            result.AddError($"{name}: '{result.Tokens[0].Value}' is not a time such as 90s, 5m or 1h30m");
            return null;
        },
    };

    private static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsLetterOrDigit(c) || "-_./=:,+".Contains(c)) ? argument : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
