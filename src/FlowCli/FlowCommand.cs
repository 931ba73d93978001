using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using FlowCli.Commands;
using FlowCli.Rows;
using FlowCore;

namespace FlowCli;

/// <summary>The command line: <c>flow COMMAND ...</c>. Exit codes: 0 done, 1 failed with one line on the error stream, 2 wrong usage.</summary>
public static partial class FlowCommand
{
    private const int Done = 0, Failed = 1, WrongUsage = 2;

    /// <summary>Runs one command on the calling thread.</summary>
    public static int Run(
        string[] arguments, TextWriter output, TextWriter error, bool isInteractive = false, Stream? input = null, Stream? bytes = null,
        CancellationToken stop = default)
    {
        var terminal = new Terminal(output, error, isInteractive, stop);
        if (input is not null)
            terminal = terminal with { Input = input };
        if (bytes is not null)
            terminal = terminal with { Bytes = bytes };
        arguments = FormerWords.Renewed(arguments);
        ParseResult parsed = Root(terminal, arguments).Parse(arguments);
        if (parsed.Action is ParseErrorAction)
        {
            error.WriteLine($"flow: {UsageError(parsed)} ({CommandPath(parsed.CommandResult)} --help says more)");
            return WrongUsage;
        }
        if (parsed.CommandResult.Children.FirstOrDefault(NamesNothing) is { } nothing)
        {
            error.WriteLine($"flow: {NameOf(nothing)}: names nothing ({CommandPath(parsed.CommandResult)} --help says more)");
            return WrongUsage;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        }
        catch (OperationCanceledException)
        {
            error.WriteLine("flow: stopped");
        }
        catch (Exception e) when (e is FlowException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"flow: {FirstLine(e)}");
        }
        catch (Exception e)
        {
            error.WriteLine($"flow: unexpected {e.GetType().Name}: {FirstLine(e)}");
        }
        return Failed;
    }

    /// <summary>Sends what is left of a command's output.</summary>
    /// <returns>The exit code: 0, or 1 where there is no room for it.</returns>
    public static int Flush(TextWriter? output, TextWriter error)
    {
        try
        {
            output?.Flush();
            return Done;
        }
        catch (IOException e)
        {
            error.WriteLine($"flow: standard output: {FirstLine(e)}");
            return Failed;
        }
    }

    internal static RootCommand Root(Terminal terminal, string[] arguments)
    {
        var root = new RootCommand("Trains normalizing flows and queries them.")
        {
            TrainCommand.Create(terminal, arguments),
            ImportCommand.Create(terminal),
            CalibrateCommand.Create(terminal),
            ScoreCommand.Create(terminal),
            JoinCommand.Create(terminal),
            RowCommand.LogProb(terminal),
            SampleCommand.Create(terminal),
            RowCommand.Encode(terminal),
            RowCommand.Decode(terminal),
            InspectCommand.Create(terminal),
            DensityCommand.Create(terminal),
            BenchCommand.Create(terminal),
            TuneCommand.Create(terminal),
            DataCommand.Create(terminal),
        };
        root.Action = Help.Extend(root);
        return root;
    }

    // A word that nobody knows explains more than what is missing for want of it.
    private static string UsageError(ParseResult parsed)
    {
        ParseError error = parsed.Errors.FirstOrDefault(error => parsed.UnmatchedTokens.Any(error.Message.Contains)) ?? parsed.Errors[0];
        return string.Join(' ', UnreadValue().Replace(error.Message, Words).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    // The library's message names a type of .NET.
    private static string Words(Match unread)
    {
        string kind = unread.Groups["type"].Value switch
        {
            "Int32" => "a whole number (of 32 bits)",
            "Int64" => "a whole number (of 64 bits)",
            "UInt64" => "a whole number of 0 or more (of 64 bits)",
            "Single" or "Double" => "a number",
            _ => "a value that it takes",
        };
        return $"{unread.Groups["option"]}: '{unread.Groups["value"]}' is not {kind}";
    }

    [GeneratedRegex(@"^Cannot parse argument '(?<value>.*)' for option '(?<option>[^']*)' as expected type '[^']*?(?<type>\w+)\]?'\.?$",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex UnreadValue();

    // A variable of the shell that is not set leaves an empty path.
    private static bool NamesNothing(SymbolResult result) => result.Tokens.Any(token => token.Value.Length == 0)
        && (result is ArgumentResult || result is OptionResult { Option.HelpName: "FILE" or "FOLDER" });

    private static string NameOf(SymbolResult result) => result is OptionResult option ? option.Option.Name : ((ArgumentResult)result).Argument.Name;

    private static string CommandPath(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{CommandPath(parent)} {result.Command.Name}" : "flow";

    private static string FirstLine(Exception e) => UnfinishedFile.Named(e.Message.Split('\n', 2)[0].TrimEnd());
}
