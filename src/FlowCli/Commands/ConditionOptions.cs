using System.CommandLine;
using System.CommandLine.Parsing;

namespace FlowCli.Commands;

/// <summary>What a flow over a table is to be conditioned on.</summary>
internal sealed class ConditionOptions
{
    public Option<string[]> Columns { get; } = RowOptions.Names("--context", "Columns that the flow is conditioned on; they are not features.");

    public Option<string?> Class { get; } = new("--context-class")
    {
        Description = "A column of classes 0, 1, ... that the flow is conditioned on; it is not a feature itself.",
        HelpName = "COLUMN",
    };

    public Option<string[]> Categorical { get; } = RowOptions.Names("--categorical",
        "Columns of categories, text or a few numbers: the density is that of the features given the category, times the category's frequency.");

    public void Check(CommandResult result)
    {
        if (result.GetResult(Columns) is not null && result.GetResult(Class) is not null)
            result.AddError("--context and --context-class: give either columns of numbers or one column of classes");
        if (result.GetResult(Categorical) is not null && (result.GetResult(Columns) ?? result.GetResult(Class)) is not null)
            result.AddError("--categorical: cannot be given with --context or --context-class");
    }
}
