using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace FlowCli;

/// <summary>A command whose help ends in one line that can be typed as it stands.</summary>
internal sealed class ExampledCommand(string name, string description, string example) : Command(name, description)
{
    public string Example { get; } = example;
}

/// <summary>What <c>--help</c> prints: the usual text, then examples.</summary>
internal sealed class Help(HelpAction usual) : SynchronousCommandLineAction
{
    /// <summary>What <c>flow</c> alone shows: from synthetic data to a density and a sample.</summary>
    public static readonly string[] FirstSteps =
    [
        "flow data two-moons --rows 4000 --seed 1 --output moons.csv",
        "flow train --input moons.csv --flow realnvp --out models/moons/1",
        "flow logprob --model models/moons --input moons.csv --output scores.csv",
        "flow sample --model models/moons --count 5 --seed 7",
    ];

    /// <summary>Adds examples to the help of <paramref name="root"/> and of all its commands.</summary>
    public static Help Extend(RootCommand root)
    {
        HelpOption option = root.Options.OfType<HelpOption>().Single();
        var help = new Help((HelpAction)option.Action!);
        option.Action = help;
        return help;
    }

    public override int Invoke(ParseResult parseResult)
    {
        int code = usual.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        string[] examples = parseResult.CommandResult.Command is ExampledCommand { Example: var example } ? [example] : FirstSteps;
        output.WriteLine(examples.Length == 1 ? "Example:" : "Examples:");
        foreach (string line in examples)
            output.WriteLine($"  {line}");
        return code;
    }
}
