using System.CommandLine;
using FlowCli.Rows;
using FlowRows.Answers;

namespace FlowCli.Commands;

/// <summary><c>flow logprob</c>, <c>flow encode</c> and <c>flow decode</c>: rows in, a row out for each.</summary>
internal static class RowCommand
{
    public static ExampledCommand LogProb(Terminal terminal) =>
        Create(terminal, RowOperation.LogProb, "The log density of each row, in nats and in the data's own units.", "Data rows",
            "flow logprob --model models/two-moons --input moons.csv --output scores.csv");

    public static ExampledCommand Encode(Terminal terminal) => Create(terminal, RowOperation.Encode, "The latent of each row.", "Data rows",
        "flow encode --model models/two-moons --input moons.csv --output latents.csv");

    public static ExampledCommand Decode(Terminal terminal) =>
        Create(terminal, RowOperation.Decode, "The data row of each latent.", "Latents, with columns z_0, z_1, ...",
            "flow decode --model models/two-moons --input latents.csv --output rows.csv");

    private static ExampledCommand Create(Terminal terminal, RowOperation operation, string description, string what, string example)
    {
        var model = CommonOptions.Model();
        RowOptions rows = RowOptions.For(what);
        var context = new ContextOptions();
        var output = CommonOptions.Output();
        var format = CommonOptions.OutputFormat();
        var size = CommonOptions.Size();
        var type = CommonOptions.Type();
        var device = CommonOptions.Device();
        var kind = CommonOptions.Engine();
        var include = CommonOptions.Include(operation.Includes);
        var command = new ExampledCommand(operation.Name, description, example)
        {
            model, output, format, size, type, device, kind, include, context.File, context.Values,
        };
        var scores = new ScoreOptions();
        foreach (Option option in operation == RowOperation.LogProb ? rows.All.Concat(scores.All) : rows.All)
            command.Options.Add(option);
        command.Validators.Add(context.Check);
        command.SetAction(parsed =>
        {
            var request = new RowWork(
                operation, rows.Of(parsed), parsed.GetValue(context.File), parsed.GetValue(context.Values), parsed.GetValue(output), parsed.GetValue(format),
                parsed.GetValue(type), [.. parsed.GetRequiredValue(include)])
            {
                Size = CommonOptions.SizeOf(parsed, size),
                Scores = operation == RowOperation.LogProb ? scores.Of(parsed) : new(),
            };
            request.Run(terminal, parsed.GetRequiredValue(model), parsed.GetRequiredValue(device), parsed.GetValue(kind));
        });
        return command;
    }
}
