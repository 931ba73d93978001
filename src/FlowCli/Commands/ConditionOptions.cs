using System.CommandLine;
using System.CommandLine.Parsing;

namespace FlowCli.Commands;

/// <summary>What a flow over a table is to be conditioned on.</summary>
internal sealed class ConditionOptions
{
    public Option<string[]?> Columns { get; } = new("--context")
    {
        Description = "Columns that the flow is conditioned on; they are no features.",
        HelpName = "COLUMN,...",
        CustomParser = result =>
        {
            string[] names = result.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries);
            if (names.Any(name => name.Length == 0))
                result.AddError($"--context: '{result.Tokens[0].Value}' is not COLUMN,COLUMN,...");
            else if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
                result.AddError($"--context: names '{twice.Key}' twice");
            return names;
        },
    };

    public Option<string?> Class { get; } = new("--context-class")
    {
        Description = "A column of classes 0, 1, ... that the flow is conditioned on; it is no feature.",
        HelpName = "COLUMN",
    };

    public void Check(CommandResult result)
    {
        if (result.GetResult(Columns) is not null && result.GetResult(Class) is not null)
            result.AddError("--context and --context-class: give either columns of numbers or one column of classes");
    }
}
