using System.CommandLine;
using System.Globalization;
using FlowCli.Rows;
using FlowCore;
using FlowRows.Answers;
using FlowRows.Buffers;

namespace FlowCli.Commands;

/// <summary><c>flow data</c>: synthetic data to try things on.</summary>
internal static class DataCommand
{
    private const int Rows = 4000;
    private const double Deviation = 0.08;
    private const string Example = "flow data two-moons --rows 4000 --seed 1 --output moons.csv";

    public static Command Create(Terminal terminal) => new ExampledCommand("data", "Writes synthetic data to try things on.", Example)
    {
        Shape(terminal, "two-moons", "Two interleaving half circles with normal noise, columns x and y.", Example, "around the two arcs", PlaneShape.TwoMoons),
        Shape(terminal, "spiral", "One arm of a spiral with normal noise, columns x and y.", "flow data spiral --output spiral.csv", "around the arm", PlaneShape.Spiral),
    };

    private static ExampledCommand Shape(Terminal terminal, string name, string what, string example, string around, PlaneShape shape)
    {
        var rows = CommonOptions.Count("--rows", $"The number of rows (default {Rows}).");
        var seed = new Option<ulong>("--seed") { Description = "The seed of the noise (default 0).", HelpName = "S" };
        var noise = CommonOptions.Positive("--noise", string.Create(CultureInfo.InvariantCulture, $"The standard deviation {around} (default {Deviation})."));
        var output = CommonOptions.Output();
        var command = new ExampledCommand(name, what, example) { rows, seed, noise, output };
        command.SetAction(parsed =>
        {
            double[] drawn = shape.Draw(parsed.GetValue(rows) ?? Rows, parsed.GetValue(seed), parsed.GetValue(noise) ?? Deviation);
            WriteAsync(terminal, name, parsed.GetValue(output), drawn).GetAwaiter().GetResult();
        });
        return command;
    }

    private static async Task WriteAsync(Terminal terminal, string name, string? path, double[] rows)
    {
        var spec = new FlowSpec { Name = name, EventShape = [2], Features = ["x", "y"], Bijections = [] };
        using RowBuffer<float> values = new RowPool().Rent<float>(rows.Length);
        for (int i = 0; i < rows.Length; i++)
            values.Span[i] = (float)rows[i];
        await using var file = new RowAnswerFile<float>(terminal, path, format: null, ElementType.Float32, [], rows.Length / 2);
        using Answer<float> answer = new Answer<float>(spec.Name, 0, rows.Length / 2).AddData("x", values, spec);
        await file.WriteAsync(answer, terminal.Stop);
        await file.CompleteAsync(terminal.Stop);
    }
}
