using System.CommandLine;
using FlowCli.Rows;
using FlowCore;
using FlowRows.Answers;
using FlowRows.Buffers;

namespace FlowCli.Commands;

/// <summary><c>flow data</c>: synthetic data to try things on.</summary>
internal static class DataCommand
{
    private const string Example = "flow data two-moons --rows 4000 --seed 1 --output moons.csv";

    public static Command Create(Terminal terminal)
    {
        var rows = CommonOptions.Count("--rows", "The number of rows (default 4000).");
        var seed = new Option<ulong>("--seed") { Description = "The seed of the noise (default 0).", HelpName = "S" };
        var noise = CommonOptions.Positive("--noise", "The standard deviation around the two arcs (default 0.08).");
        var output = CommonOptions.Output();
        var moons = new ExampledCommand("two-moons", "Two interleaving half circles with normal noise, columns x and y.", Example) { rows, seed, noise, output };
        moons.SetAction(parsed =>
        {
            double[] drawn = TwoMoons.Draw(parsed.GetValue(rows) ?? 4000, parsed.GetValue(seed), parsed.GetValue(noise) ?? 0.08);
            WriteAsync(terminal, parsed.GetValue(output), drawn).GetAwaiter().GetResult();
        });
        return new ExampledCommand("data", "Writes synthetic data to try things on.", Example) { moons };
    }

    private static async Task WriteAsync(Terminal terminal, string? path, double[] rows)
    {
        var spec = new FlowSpec { Name = "two-moons", EventShape = [2], Features = ["x", "y"], Bijections = [] };
        using RowBuffer<float> values = new RowPool().Rent<float>(rows.Length);
        for (int i = 0; i < rows.Length; i++)
            values.Span[i] = (float)rows[i];
        await using var file = new RowAnswerFile<float>(terminal, path, format: null, ElementType.Float32, [], rows.Length / 2);
        using Answer<float> answer = new Answer<float>(spec.Name, 0, rows.Length / 2).AddData("x", values, spec);
        await file.WriteAsync(answer, terminal.Stop);
        await file.CompleteAsync(terminal.Stop);
    }
}
