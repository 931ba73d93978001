using System.CommandLine;
using FlowCli.Rows;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Scoring;
using FlowRows.Tables;

namespace FlowCli.Commands;

/// <summary><c>flow score</c>: a file of rows with their p-values, decisions and reasons behind their own columns.</summary>
internal static class ScoreCommand
{
    public static ExampledCommand Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        RowOptions rows = RowOptions.For("Data rows");
        rows.OnError.DefaultValueFactory = _ => OnError.Null;
        rows.Keep.Description = "Input columns to copy to the output unchanged; by default all.";
        var context = new ContextOptions();
        var output = CommonOptions.Output(parts: true);
        var format = CommonOptions.OutputFormat();
        var type = CommonOptions.Type();
        var device = CommonOptions.Device();
        var kind = CommonOptions.Engine();
        var include = CommonOptions.Include(RowOperation.Score.Includes);
        include.Description += " By default p_value and q_value; of a part that is not joined, p_value alone.";
        var scores = new ScoreOptions();
        var explain = CommonOptions.Count("--explain", "Explain the anomalies by as many features, in columns reason_1, reason_2, ...");
        var shard = ShardOption();
        var command = new ExampledCommand("score", "Finds the anomalies in a file, and says why: its columns, then log_prob, p_value, q_value, anomaly and reasons.",
            "flow score --model models/two-moons --input moons.csv --output scored.csv --alpha 0.01 --explain 2")
        {
            model, output, format, type, device, kind, include, context.File, context.Values, scores.Alpha, scores.Score, scores.Missing, explain, shard,
        };
        foreach (Option option in rows.All)
            command.Options.Add(option);
        command.Validators.Add(context.Check);
        command.Validators.Add(result =>
        {
            bool waits = PartFile.Is(result.GetValue(output));
            if (result.GetResult(shard) is not null && !waits && result.GetValue(include)!.Contains(ScoreRequest.QValue))
                result.AddError($"--shard: q_value depends on all rows: write parts that flow join completes, --output NAME{PartFile.Extension}, or leave it out");
            if (waits && (result.GetResult(shard) is null || (result.GetResult(include) is { Implicit: false } && !result.GetValue(include)!.Contains(ScoreRequest.QValue))))
                result.AddError($"--output: a {PartFile.Extension} file is a part (--shard i/n) that waits for its q_value");
        });
        command.SetAction(parsed =>
        {
            RowArguments input = rows.Of(parsed);
            // An array has no place for what was wrong with a row.
            if (parsed.GetResult(rows.OnError) is not { Implicit: false } && !Keeps(parsed.GetValue(output), parsed.GetValue(format)))
                input = input with { OnError = OnError.Fail };
            (HashSet<string> names, ScoreArguments arguments) = ScoreDefaults.Of(
                parsed.GetResult(include) is { Implicit: false } ? parsed.GetRequiredValue(include) : null, scores.Of(parsed) with { Top = parsed.GetValue(explain) },
                explains: parsed.GetValue(explain) is not null, whole: parsed.GetValue(shard) is null || PartFile.Is(parsed.GetValue(output)));
            var work = new RowWork(
                RowOperation.Score, input.Keep.Length > 0 ? input : input with { Keep = ["*"], KeepsIfNamed = true }, parsed.GetValue(context.File),
                parsed.GetValue(context.Values), parsed.GetValue(output), parsed.GetValue(format), parsed.GetValue(type), names)
            { Scores = arguments, Shard = parsed.GetValue(shard) };
            work.Run(terminal, parsed.GetRequiredValue(model), parsed.GetRequiredValue(device), parsed.GetValue(kind));
        });
        return command;
    }

    private static bool Keeps(string? output, RowFormat? format) => PartFile.Is(output) || (output is null or RowPipe.Standard
        ? format ?? RowFormats.Csv
        : RowFormats.OfName(output.EndsWith(Compression.Extension, StringComparison.OrdinalIgnoreCase) ? output[..^Compression.Extension.Length] : output)) is { Keeps: true };

    private static Option<Shard?> ShardOption() => new("--shard")
    {
        Description = $"Score one of n successive parts of the rows, i = 0, 1, ... n - 1; the parts in order are the whole. With --output NAME{PartFile.Extension} flow join makes the whole of them, q_value too.",
        HelpName = "i/n",
        CustomParser = result =>
        {
            if (Shard.Parse(result.Tokens[0].Value) is { } shard)
                return shard;
            result.AddError($"--shard: '{result.Tokens[0].Value}' is not i/n with i below n");
            return null;
        },
    };
}
