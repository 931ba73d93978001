using System.CommandLine;
using FlowCli.RowFiles;

namespace FlowCli.Commands;

/// <summary><c>flow data</c>: made-up data to try things on.</summary>
internal static class DataCommand
{
    public static Command Create(Terminal terminal)
    {
        var rows = CommonOptions.Count("--rows", "How many rows (default 4000).");
        var seed = new Option<ulong>("--seed") { Description = "Which noise (default 0).", HelpName = "S" };
        var noise = CommonOptions.Positive("--noise", "The standard deviation around the two arcs (default 0.08).");
        var output = CommonOptions.Output();
        var moons = new Command("two-moons", "Two interleaving half circles with normal noise, columns x and y.") { rows, seed, noise, output };
        moons.SetAction(parsed =>
        {
            using RowWriter writer = RowFile.Create(parsed.GetValue(output), terminal.Output, ["x", "y"], RowType.Float32);
            writer.Write(TwoMoons.Draw(parsed.GetValue(rows) ?? 4000, parsed.GetValue(seed), parsed.GetValue(noise) ?? 0.08));
            writer.Complete();
        });
        return new Command("data", "Writes made-up data to try things on.") { moons };
    }
}
