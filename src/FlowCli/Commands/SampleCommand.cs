using System.CommandLine;
using FlowCli.Rows;
using FlowRows.Answers;

namespace FlowCli.Commands;

/// <summary><c>flow sample</c>: rows drawn from the model; row i of a seed is the same whatever the count.</summary>
internal static class SampleCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var count = CommonOptions.Samples();
        var seed = new Option<ulong?>("--seed") { Description = "The seed of the noise; by default one is drawn and printed on the error stream.", HelpName = "S" };
        var temperature = CommonOptions.NoiseScale();
        var context = new ContextOptions();
        var header = RowOptions.HeaderOption();
        var output = CommonOptions.Output(pictures: true, sounds: true);
        var format = CommonOptions.OutputFormat();
        var range = PictureOutput.Range();
        var size = CommonOptions.Size();
        var type = CommonOptions.Type();
        var device = CommonOptions.Device();
        var kind = CommonOptions.Engine();
        var include = CommonOptions.Include(RowOperation.Sample.Includes);
        var command = new ExampledCommand("sample", "Rows drawn from the model.", "flow sample --model models/two-moons --count 5 --seed 7")
        {
            model, count, seed, temperature, context.File, context.Values, header, output, format, range, size, type, device, kind, include,
        };
        command.Validators.Add(context.Check);
        command.Validators.Add(result =>
        {
            if (result.GetResult(count) is null && !SpeechWork.IsSound(result.GetValue(output)))
                result.AddError("Option '--count' is required.");
        });
        command.SetAction(parsed =>
        {
            if (SpeechWork.IsSound(parsed.GetValue(output)))
            {
                new SpeechWork(parsed.GetValue(count), parsed.GetValue(seed), parsed.GetValue(temperature) ?? 1, parsed.GetValue(context.File), parsed.GetValue(output)!)
                    .Run(terminal, parsed.GetRequiredValue(model));
                return;
            }
            var work = new SampleWork(
                parsed.GetValue(count)!.Value, parsed.GetValue(seed), parsed.GetValue(temperature) ?? 1, parsed.GetValue(context.File), parsed.GetValue(context.Values),
                RowOptions.HasHeader(parsed, header), parsed.GetValue(output), parsed.GetValue(format), parsed.GetValue(range), parsed.GetValue(type),
                [.. parsed.GetRequiredValue(include)])
            {
                Size = CommonOptions.SizeOf(parsed, size),
            };
            work.Run(terminal, parsed.GetRequiredValue(model), parsed.GetRequiredValue(device), parsed.GetValue(kind));
        });
        return command;
    }
}
