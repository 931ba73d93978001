using System.CommandLine;
using FlowRows;

namespace FlowCli.Tests;

/// <summary>What somebody reads who has never used the command.</summary>
public sealed class HelpTests : IDisposable
{
    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public void Flow_alone_shows_help_with_examples()
    {
        Outcome alone = Cli.Run();
        Assert.Equal((0, ""), (alone.Code, alone.Error));
        foreach (Command command in All().Where(command => command.Parents.OfType<RootCommand>().Any()))
            Assert.Contains($"  {command.Name} ", alone.Output, StringComparison.Ordinal);
        Assert.EndsWith($"Examples:\n  {string.Join("\n  ", Help.FirstSteps)}\n", alone.Output, StringComparison.Ordinal);
        Assert.Equal(alone.Output, Cli.Run("--help").Output);
    }

    [Fact]
    public void The_help_of_every_command_ends_in_an_example_of_it()
    {
        Command[] commands = [.. All()];
        Assert.Equal(16, commands.Length);
        foreach (Command command in commands)
        {
            string[] path = Path(command);
            Outcome help = Cli.Run([.. path, "--help"]);
            Assert.Equal((0, ""), (help.Code, help.Error));
            string[] lines = help.Output.TrimEnd().Split('\n');
            Assert.Equal("Example:", lines[^2]);
            Assert.StartsWith($"  flow {string.Join(' ', path)} ", lines[^1], StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_kind_of_file_that_is_read_is_named() =>
        Assert.All(RowFormats.Extensions, extension =>
        {
            Assert.Contains(extension, Cli.Run("train", "--help").Output, StringComparison.Ordinal);
            Assert.Contains(extension, Cli.Run("score", "--help").Output, StringComparison.Ordinal);
        });

    [Fact]
    public void Every_example_is_a_command_that_can_be_run()
    {
        RootCommand root = FlowCommand.Root(Cli.Quiet, []);
        foreach (string example in All().OfType<ExampledCommand>().Select(command => command.Example).Concat(Help.FirstSteps))
            Assert.Empty(root.Parse(example["flow ".Length..]).Errors);
    }

    [Fact]
    public void One_word_names_the_input_of_every_command()
    {
        foreach (Command command in All())
            foreach (Option option in command.Options)
                Assert.DoesNotContain("--data", option.Aliases.Append(option.Name));
        string[] readers = [.. All().Where(command => command.Options.Any(option => option.Name == "--input")).Select(command => command.Name)];
        Assert.Equal(["train", "calibrate", "score", "logprob", "encode", "decode", "density"], readers);
    }

    [Theory]
    [InlineData("--data", true)]
    [InlineData("--data=", false)]
    public void The_former_word_still_works_and_the_model_card_says_the_new_one(string former, bool apart)
    {
        string data = cli.WriteTable();
        string[] words = apart ? [former, data] : [former + data];
        Outcome trained = Cli.Run(["train", .. words, "--flow", "simple", "--epochs", "1", "--out", cli.At("m/1")]);
        Assert.True(trained.Code == 0, trained.Error);
        Assert.Contains($"flow train --input{(apart ? ' ' : '=')}{data}", File.ReadAllText(cli.At("m/1/README.md")), StringComparison.Ordinal);
        Outcome drawn = Cli.Run(["density", "--model", cli.At("m/1"), .. words, "--output", cli.At("m.png")]);
        Assert.True(drawn.Code == 0, drawn.Error);
    }

    [Theory]
    [InlineData("--count many", "--count: 'many' is not a whole number (of 32 bits)")]
    [InlineData("--count 99999999999", "--count: '99999999999' is not a whole number (of 32 bits)")]
    [InlineData("--count 2 --seed -1", "--seed: '-1' is not a whole number of 0 or more (of 64 bits)")]
    public void A_value_of_the_wrong_kind_is_refused_without_types_of_NET(string options, string words)
    {
        Outcome refused = Cli.Run(["sample", "--model", "m", .. options.Split(' ')]);
        Assert.Equal((2, $"flow: {words} (flow sample --help says more)\n"), (refused.Code, refused.Error));
    }

    private static IEnumerable<Command> All() => Below(FlowCommand.Root(Cli.Quiet, []));

    private static IEnumerable<Command> Below(Command command) => command.Subcommands.SelectMany(child => Below(child).Prepend(child));

    private static string[] Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent and not RootCommand ? [.. Path(parent), command.Name] : [command.Name];
}
