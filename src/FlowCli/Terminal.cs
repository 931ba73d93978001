using Spectre.Console;

namespace FlowCli;

/// <summary>Where a command writes, and who tells it to stop.</summary>
internal sealed record Terminal(TextWriter Output, TextWriter Error, bool IsInteractive, CancellationToken Stop)
{
    private Stream? bytes, input;

    private const int PlainWidth = 140;

    /// <summary>The standard output as bytes: text in UTF-8, or rows in a binary format.</summary>
    public Stream Bytes
    {
        get => bytes ??= new TextBytes(Output);
        init => bytes = value;
    }

    /// <summary>The standard input.</summary>
    public Stream Input
    {
        get => input ??= StandardInput.Open(Stop);
        init => input = value;
    }

    /// <summary>Tables and bars: coloured on a terminal, plain text of a fixed width elsewhere.</summary>
    public IAnsiConsole Console()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Output),
            Ansi = IsInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = IsInteractive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = IsInteractive ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!IsInteractive)
            console.Profile.Width = PlainWidth;
        return console;
    }
}
