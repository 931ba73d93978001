using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlowCli.Benchmarking;
using FlowCli.Rows;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using Spectre.Console;

namespace FlowCli.Commands;

/// <summary><c>flow tune</c>: measures a model on this machine, and proposes the service's settings for it.</summary>
internal static class TuneCommand
{
    private const int Rounds = 5, MostValues = 1 << 24;
    private const double Busy = 0.1;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private sealed record Request(string Model, string Operation, EngineKind Engine, string Device, int Cores, TimeSpan Time, TimeSpan Patience, string? Output);

    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var operation = new Option<string>("--operation") { Description = "What is measured.", DefaultValueFactory = _ => "logprob" };
        operation.AcceptOnlyFromAmong("logprob", "sample");
        var kind = CommonOptions.Engine();
        var device = CommonOptions.Device();
        var cores = CommonOptions.Count("--cores", "The cores that the model may have (default: all of this machine's).");
        cores.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() > Environment.ProcessorCount)
                result.AddError($"--cores: this machine has {Environment.ProcessorCount}, and what more would do is not measured here");
        });
        var seconds = CommonOptions.Positive("--seconds", "How long to measure, about (default 20).");
        var patience = CommonOptions.Positive("--wait-ms", "How long a request may wait for the batch before its own, in milliseconds (default 50).");
        var output = new Option<string?>("--output") { Description = "A file for the settings alone, as JSON.", HelpName = "FILE" };
        var command = new ExampledCommand("tune", "Measures a model on this machine, and proposes BatchRows, Threads and Instances for the service.", "flow tune --model models/two-moons --wait-ms 20")
        { model, operation, kind, device, cores, seconds, patience, output };
        command.SetAction(parsed => Run(terminal, new(
            parsed.GetRequiredValue(model), parsed.GetRequiredValue(operation), parsed.GetValue(kind), parsed.GetRequiredValue(device), parsed.GetValue(cores) ?? Environment.ProcessorCount,
            TimeSpan.FromSeconds(parsed.GetValue(seconds) ?? 20), TimeSpan.FromMilliseconds(parsed.GetValue(patience) ?? 50), parsed.GetValue(output))));
        return command;
    }

    private static void Run(Terminal terminal, Request request)
    {
        using UnfinishedFile? file = request.Output is { } path ? new(path) : null;
        Checkpoint checkpoint = Checkpoint.Read(ModelPath.Resolve(request.Model));
        using var engine = new EngineTimes(checkpoint, request.Engine, request.Device, isInverse: request.Operation == "sample");
        bool isCpu = engine.Device == "cpu";
        TuneSetting[] batches = [.. Tuning.BatchSettings(engine.Spec.Width, MostValues)];
        IReadOnlyList<TuneMeasurement> byBatch = Tuning.Measure(engine, batches, Rounds, request.Time / 2 / (Rounds * batches.Length), terminal.Stop);
        TuneMeasurement batch = Tuning.BestBatch(byBatch, request.Patience);
        // A GPU computes for all engines that wait for it: a second one fills the gaps of the first.
        TuneSetting[] divisions = [.. Tuning.CoreSettings(batch.Setting.BatchRows, isCpu ? request.Cores : Math.Min(2, request.Cores), spreads: isCpu)];
        IReadOnlyList<TuneMeasurement> byCores = Tuning.Measure(engine, divisions, Rounds, request.Time / 2 / (Rounds * divisions.Length), terminal.Stop);
        TuneMeasurement best = Tuning.BestCores(byCores);

        JsonObject settings = Settings(checkpoint.Spec.Name, best.Setting, isCpu);
        Print(terminal, request, byBatch, byCores, best);
        terminal.Output.WriteLine(settings.ToJsonString(Indented));
        terminal.Output.WriteLine();
        foreach ((string name, string value) in Variables(settings, ""))
            terminal.Output.WriteLine($"{name}={value}");
        file?.Stream.Write(Encoding.UTF8.GetBytes(settings.ToJsonString(Indented) + "\n"));
        file?.Complete();
    }

    private static JsonObject Settings(string model, TuneSetting setting, bool isCpu)
    {
        var own = new JsonObject { [isCpu ? "BatchRows" : "GpuBatchRows"] = setting.BatchRows, ["Instances"] = setting.Instances };
        var settings = new JsonObject();
        if (isCpu)
            settings["Engine"] = new JsonObject { ["Threads"] = setting.Threads };
        settings["Models"] = new JsonObject { ["Overrides"] = new JsonObject { [model] = own } };
        return settings;
    }

    private static IEnumerable<(string Name, string Value)> Variables(JsonObject settings, string prefix) => settings.SelectMany(each => each.Value is JsonObject section
        ? Variables(section, $"{prefix}{each.Key}__")
        : [($"{prefix}{each.Key}", each.Value!.ToJsonString())]);

    private static void Print(Terminal terminal, Request request, IReadOnlyList<TuneMeasurement> byBatch, IReadOnlyList<TuneMeasurement> byCores, TuneMeasurement best)
    {
        var table = new Table().Border(TableBorder.Simple)
            .AddColumns([.. new[] { "rows in a batch", "threads x instances", $"rows/s ({request.Operation})", "repeats differ by", "a batch takes", "" }.Select(name => new TableColumn(name).RightAligned())]);
        foreach (TuneMeasurement each in byBatch.Concat(byCores))
            table.AddRow($"{each.Setting.BatchRows}", $"{each.Setting.Threads} x {each.Setting.Instances}", each.Median.ToString("N0", CultureInfo.InvariantCulture), Tuning.Percent(each.Spread),
                string.Create(CultureInfo.InvariantCulture, $"{each.Batch.TotalMilliseconds:F2} ms"), ReferenceEquals(each, best) ? "proposed" : "");
        terminal.Console().Write(table);
        double noise = Math.Max(Tuning.Noise(byBatch), Tuning.Noise(byCores));
        terminal.Output.WriteLine($"Medians of {Rounds} repeats, which took turns; the middle half of them lies {Tuning.Percent(noise)} apart. The smallest settings that are as fast as any within that are proposed.");
        if (noise > Busy)
            terminal.Output.WriteLine("That is much: the machine does other work, or its clock changes. Measure again when it is idle; what differs by less is not known to differ.");
        if (best.Batch > request.Patience)
            terminal.Output.WriteLine($"Even the smallest batch takes longer than the {request.Patience.TotalMilliseconds:0} ms of --wait-ms: single requests wait so long behind others.");
        terminal.Output.WriteLine("Engine alone: HTTP and JSON need cores too, and Engine:Threads is of all models together. Look at /metrics under your own load before you rely on it.");
        terminal.Output.WriteLine();
    }
}
