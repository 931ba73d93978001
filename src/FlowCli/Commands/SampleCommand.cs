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
        var output = CommonOptions.Output();
        var type = CommonOptions.Type();
        var device = CommonOptions.Device();
        var include = CommonOptions.Include(ColumnNames.LogProb, ColumnNames.LogQ);
        var command = new Command("sample", "Rows drawn from the model.") { model, count, seed, temperature, context, output, type, device, include };
        command.SetAction(parsed =>
        {
            using RowEngine engine = RowEngine.Open(parsed.GetRequiredValue(model), parsed.GetValue(type), parsed.GetRequiredValue(device));
            using RowReader? contexts = RowInputs.OpenContext(engine.Spec, parsed.GetValue(context), ignoreExtra: false);
            using var written = new RowOutput(
                terminal, parsed.GetValue(output), ColumnNames.Data(engine.Spec), parsed.GetRequiredValue(include), parsed.GetValue(type));
            if (parsed.GetValue(seed) is not { } chosen)
            {
                chosen = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4));
                terminal.Error.WriteLine($"seed {chosen}");
            }
            Draw(engine, contexts, parsed.GetRequiredValue(count)!.Value, chosen, parsed.GetValue(temperature) ?? 1, written);
            written.Complete();
        });
        return command;
    }

    // In the order [context, sample]; without contexts, as if there were one.
    private static void Draw(RowEngine engine, RowReader? contexts, int count, ulong seed, double temperature, RowOutput written)
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
                written.Write(results.Values, results);
                done += rows;
                row += rows;
            }
            if (contexts is null)
                break;
        }
    }
}
