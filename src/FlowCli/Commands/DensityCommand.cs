using System.CommandLine;
using FlowCli.Pictures;
using FlowCli.Rows;
using FlowCore;
using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Tables;

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
        var input = new Option<string?>("--input") { Description = "Rows to show beside the density; they set the range of the picture.", HelpName = "FILE" };
        var device = CommonOptions.Device();
        var ignoreExtra = new Option<bool>("--ignore-extra") { Description = "Ignore columns that the model does not know, whatever they hold." };
        var header = RowOptions.HeaderOption();
        var command = new ExampledCommand(
            "density", "Draws the density of a model of two features as a heat map.", "flow density --model models/two-moons --output two-moons.png")
        {
            model, output, input, device, ignoreExtra, header,
        };
        command.SetAction(parsed =>
        {
            using RowEngine engine = RowEngine.Open(parsed.GetRequiredValue(model), ElementType.Float64, parsed.GetRequiredValue(device));
            if (engine.Spec.Width != 2 || engine.Spec.Context is not null)
                throw new FlowException($"model '{engine.Spec.Name}' has {engine.Spec.Width} {(engine.Spec.Width == 1 ? "feature" : "features")}{(engine.Spec.Context is null ? "" : " and a context")}; a picture needs 2 features and no context");
            double[]? points = parsed.GetValue(input) is not { } path ? null
                : ReadAllAsync(engine.Spec, new() { Path = path, IgnoreExtra = parsed.GetValue(ignoreExtra), Header = RowOptions.HasHeader(parsed, header) }, terminal).GetAwaiter().GetResult();
            double[] shown = points ?? engine.Sample(SampleSeed, 0, Samples, 1, []).Values;
            string[] names = RowNames.Data(engine.Spec);
            var picture = new DensityPicture(
                Pictures.Range.Around(shown.Where((_, i) => i % 2 == 0)), Pictures.Range.Around(shown.Where((_, i) => i % 2 == 1)), names[0], names[1]);
            byte[] png = picture.Draw(LogProb(engine, picture.Grid(), terminal.Stop), points, $"density of {engine.Spec.Name}");
            using var file = new UnfinishedFile(parsed.GetRequiredValue(output));
            file.Stream.Write(png);
            file.Complete();
        });
        return command;
    }

    private static async Task<double[]> ReadAllAsync(FlowSpec spec, RowArguments arguments, Terminal terminal)
    {
        await using RowPipe pipe = await RowPipe.OpenAsync(arguments.Path, terminal);
        RowSource source = arguments.Source(
            new ModelLayout(spec.Name, spec, RowNames.X, hasContext: false, ignoresOthers: arguments.IgnoreExtra), pipe, new RowPool());
        using RowBlock<double> all = await pipe.NamingAsync(async () =>
        {
            await using RowReader<double> reader = await pipe.Format.OpenAsync<double>(pipe.Bytes, source, terminal.Stop);
            return await reader.ReadAllAsync(terminal.Stop);
        });
        return all.Rows > 0 ? all.Values!.Values.Span.ToArray() : throw new FlowException($"{pipe.Shown}: has no rows");
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
