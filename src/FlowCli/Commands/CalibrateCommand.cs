using FlowCli.Rows;
using FlowCore.Engines;

namespace FlowCli.Commands;

/// <summary><c>flow calibrate</c>: what ordinary rows look like to a model, so that p-values and reasons can be given.</summary>
internal static class CalibrateCommand
{
    public static ExampledCommand Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        RowOptions rows = RowOptions.For("Ordinary rows that the model was not trained on");
        var context = new ContextOptions();
        var device = CommonOptions.Device();
        var kind = CommonOptions.Engine();
        var command = new ExampledCommand("calibrate", "Writes a model's calibration.safetensors, on which p-values and reasons rest.",
            "flow calibrate --model models/two-moons --input ordinary.csv")
        {
            model, context.File, context.Values, device, kind, rows.Input, rows.IgnoreExtra, rows.Header, rows.Layout,
        };
        command.Validators.Add(context.Check);
        command.SetAction(parsed => new CalibrationWork(rows.Of(parsed), parsed.GetValue(context.File), parsed.GetValue(context.Values))
            .Run(terminal, parsed.GetRequiredValue(model), parsed.GetRequiredValue(device), parsed.GetValue<EngineKind>(kind)));
        return command;
    }
}
