using System.CommandLine;
using FlowCli.Rows;

namespace FlowCli.Commands;

/// <summary><c>flow join</c>: the parts of a scored file to the whole, with q-values.</summary>
internal static class JoinCommand
{
    public static ExampledCommand Create(Terminal terminal)
    {
        var parts = new Argument<string[]>("PART")
        {
            Description = "The parts, in any order: what flow score --shard i/n --output NAME.part wrote.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = CommonOptions.Output();
        var format = CommonOptions.OutputFormat();
        var command = new ExampledCommand("join", "Joins the parts of a scored file, and computes the q-values that only all rows together have.",
            "flow join parts/0.part parts/1.part --output scored.csv")
        {
            parts, output, format,
        };
        command.SetAction(parsed =>
        {
            var work = new JoinWork(parsed.GetRequiredValue(parts), parsed.GetValue(output), parsed.GetValue(format));
            work.RunAsync(terminal).GetAwaiter().GetResult();
        });
        return command;
    }
}
