using System.CommandLine;
using FlowCli.Pictures;
using FlowCli.RowFiles;
using FlowCore;

namespace FlowCli.Commands;

/// <summary><c>flow density</c>: a picture of a model of two features.</summary>
internal static class DensityCommand
{
    private const int Samples = 4000;
    private const ulong SampleSeed = 1;

    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var output = new Option<string>("--output") { Description = "The picture, .png.", HelpName = "FILE.png", Required = true };
        output.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } path && !path.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
                result.AddError($"--output: '{path}' does not end in .png");
        });
        var data = new Option<string?>("--data") { Description = "Rows to show beside the density; they decide its range.", HelpName = "FILE" };
        var device = CommonOptions.Device();
        var ignoreExtra = CommonOptions.IgnoreExtra();
        var command = new Command("density", "Draws the density of a model of two features as a heat map.") { model, output, data, device, ignoreExtra };
        command.SetAction(parsed =>
        {
            using RowEngine engine = RowEngine.Open(parsed.GetRequiredValue(model), RowType.Float64, parsed.GetRequiredValue(device));
            if (engine.Spec.Width != 2 || engine.Spec.Context is not null)
                throw new FlowException($"model '{engine.Spec.Name}' has {engine.Spec.Width} features{(engine.Spec.Context is null ? "" : " and a context")}; a picture needs 2 and none");
            double[]? points = parsed.GetValue(data) is { } path ? ReadAll(engine, path, parsed.GetValue(ignoreExtra)) : null;
            double[] shown = points ?? engine.Sample(SampleSeed, 0, Samples, 1, []).Values;
            string[] names = ColumnNames.Data(engine.Spec);
            var picture = new DensityPicture(
                Pictures.Range.Around(shown.Where((_, i) => i % 2 == 0)), Pictures.Range.Around(shown.Where((_, i) => i % 2 == 1)), names[0], names[1]);
            byte[] png = picture.Draw(LogProb(engine, picture.Grid(), terminal.Stop), points, $"density of {engine.Spec.Name}");
            using var file = new UnfinishedFile(parsed.GetRequiredValue(output));
            file.Stream.Write(png);
            file.Complete();
        });
        return command;
    }

    private static double[] ReadAll(RowEngine engine, string path, bool ignoreExtra)
    {
        using var inputs = new RowInputs(engine, path, null, engine.Spec.Features, ignoreExtra);
        var values = new List<double>();
        while (inputs.Next())
            values.AddRange(inputs.Values);
        return values.Count > 0 ? [.. values] : throw new FlowException($"{path}: has no rows");
    }

    private static double[] LogProb(RowEngine engine, double[] rows, CancellationToken stop)
    {
        var logProb = new List<double>(rows.Length / 2);
        foreach (double[] chunk in rows.Chunk(engine.ChunkRows * 2))
        {
            stop.ThrowIfCancellationRequested();
            logProb.AddRange(engine.Forward(chunk, []).LogProb);
        }
        return [.. logProb];
    }
}
