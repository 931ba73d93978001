using System.CommandLine;

namespace FlowCli.Commands;

/// <summary><c>flow logprob</c> and <c>flow encode</c>: one computation, two answers.</summary>
internal static class ForwardCommand
{
    public static Command LogProb(Terminal terminal) => Create(
        terminal, "logprob", "The log density of each row, in nats and in the data's own units.", encode: false);

    public static Command Encode(Terminal terminal) => Create(terminal, "encode", "The latent of each row.", encode: true);

    private static Command Create(Terminal terminal, string name, string description, bool encode)
    {
        var model = CommonOptions.Model();
        var input = CommonOptions.Input("Data rows");
        var context = CommonOptions.Context();
        var output = CommonOptions.Output();
        var type = CommonOptions.Type();
        var device = CommonOptions.Device();
        var kind = CommonOptions.Engine();
        var ignoreExtra = CommonOptions.IgnoreExtra();
        var include = encode ? CommonOptions.Include(ColumnNames.LogDet, ColumnNames.LogProb) : CommonOptions.Include(ColumnNames.LogDet);
        var command = new Command(name, description) { model, input, context, output, type, device, kind, ignoreExtra, include };
        command.SetAction(parsed =>
        {
            using RowEngine engine = RowEngine.Open(parsed.GetRequiredValue(model), parsed.GetValue(type), parsed.GetRequiredValue(device), parsed.GetValue(kind));
            using var inputs = new RowInputs(
                engine, parsed.GetRequiredValue(input), parsed.GetValue(context), engine.Spec.Features, parsed.GetValue(ignoreExtra));
            string[] names = encode ? ColumnNames.Latents(engine.Spec) : [ColumnNames.LogProb];
            using var written = new RowOutput(terminal, parsed.GetValue(output), names, parsed.GetRequiredValue(include), parsed.GetValue(type));
            while (inputs.Next())
            {
                RowEngine.Results results = engine.Forward(inputs.Values, inputs.Conditions);
                written.Write(encode ? results.Values : results.LogProb, results);
            }
            written.Complete();
        });
        return command;
    }
}
