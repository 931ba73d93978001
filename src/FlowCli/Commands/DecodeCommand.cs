using System.CommandLine;

namespace FlowCli.Commands;

/// <summary><c>flow decode</c>: latents to data.</summary>
internal static class DecodeCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var input = CommonOptions.Input("Latents, with columns z0, z1, ...");
        var context = CommonOptions.Context();
        var output = CommonOptions.Output();
        var type = CommonOptions.Type();
        var device = CommonOptions.Device();
        var kind = CommonOptions.Engine();
        var ignoreExtra = CommonOptions.IgnoreExtra();
        var include = CommonOptions.Include(ColumnNames.LogDet, ColumnNames.LogProb);
        var command = new Command("decode", "The data row of each latent.") { model, input, context, output, type, device, kind, ignoreExtra, include };
        command.SetAction(parsed =>
        {
            using RowEngine engine = RowEngine.Open(parsed.GetRequiredValue(model), parsed.GetValue(type), parsed.GetRequiredValue(device), parsed.GetValue(kind));
            using var inputs = new RowInputs(
                engine, parsed.GetRequiredValue(input), parsed.GetValue(context), ColumnNames.Latents(engine.Spec), parsed.GetValue(ignoreExtra));
            using var written = new RowOutput(
                terminal, parsed.GetValue(output), ColumnNames.Data(engine.Spec), parsed.GetRequiredValue(include), parsed.GetValue(type));
            while (inputs.Next())
            {
                RowEngine.Results results = engine.Inverse(inputs.Values, inputs.Conditions);
                written.Write(results.Values, results);
            }
            written.Complete();
        });
        return command;
    }
}
