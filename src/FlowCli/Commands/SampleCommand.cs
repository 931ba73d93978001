using System.CommandLine;
using System.Security.Cryptography;
using FlowCli.RowFiles;

namespace FlowCli.Commands;

/// <summary><c>flow sample</c>: rows drawn from the model; row i of a seed is the same whatever the count.</summary>
internal static class SampleCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var count = CommonOptions.Count("--count", "How many rows; of each context, for a conditional model.", least: 0);
        count.Required = true;
        var seed = new Option<ulong?>("--seed") { Description = "Which noise; without it one is drawn and named on the error stream.", HelpName = "S" };
        var temperature = CommonOptions.Positive("--temperature", "Scales the noise: below 1 for likelier rows (default 1).");
        var context = CommonOptions.Context();
        var output = CommonOptions.Output(pictures: true);
        var range = PictureOutput.Range();
        var type = CommonOptions.Type();
        var device = CommonOptions.Device();
        var kind = CommonOptions.Engine();
        var include = CommonOptions.Include(ColumnNames.LogProb, ColumnNames.LogQ);
        var command = new Command("sample", "Rows drawn from the model.") { model, count, seed, temperature, context, output, range, type, device, kind, include };
        command.SetAction(parsed =>
        {
            using RowEngine engine = RowEngine.Open(parsed.GetRequiredValue(model), parsed.GetValue(type), parsed.GetRequiredValue(device), parsed.GetValue(kind));
            using RowReader? contexts = RowInputs.OpenContext(engine.Spec, parsed.GetValue(context), ignoreExtra: false);
            string? path = parsed.GetValue(output);
            int rows = parsed.GetRequiredValue(count)!.Value;
            if (parsed.GetValue(seed) is not { } chosen)
            {
                chosen = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4));
                terminal.Error.WriteLine($"seed {chosen}");
            }
            double scale = parsed.GetValue(temperature) ?? 1;
            if (PictureOutput.IsPicture(path))
            {
                var picture = new PictureOutput(terminal, path!, engine.Spec, parsed.GetValue(range), contexts is null ? null : rows);
                Draw(engine, contexts, rows, chosen, scale, picture.Add);
                picture.Write();
                return;
            }
            using var written = new RowOutput(terminal, path, ColumnNames.Data(engine.Spec), parsed.GetRequiredValue(include), parsed.GetValue(type));
            Draw(engine, contexts, rows, chosen, scale, results => written.Write(results.Values, results));
            written.Complete();
        });
        return command;
    }

    // In the order [context, sample]; without contexts, as if there were one.
    private static void Draw(RowEngine engine, RowReader? contexts, int count, ulong seed, double temperature, Action<RowEngine.Results> write)
    {
        var condition = new double[engine.Spec.ContextWidth];
        long row = 0;
        while (contexts is null ? row == 0 : contexts.Read(condition) > 0)
        {
            for (int done = 0; done < count;)
            {
                int rows = Math.Min(engine.ChunkRows, count - done);
                double[] repeated = [.. Enumerable.Repeat(condition, rows).SelectMany(value => value)];
                RowEngine.Results results = engine.Sample(seed, row, rows, temperature, repeated);
                write(results);
                done += rows;
                row += rows;
            }
            if (contexts is null)
                break;
        }
    }
}
