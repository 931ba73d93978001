using FlowCore;

namespace FlowCli;

/// <summary>The standard input that the process was given.</summary>
internal static class StandardInput
{
    private const string Facts = "/proc/self/fdinfo/0", Flags = "flags:";
    private const int CloseOnExec = 0x80000; // O_CLOEXEC

    /// <summary>Opens it; reading ends once the command is told to stop.</summary>
    /// <exception cref="FlowException">It was closed: another file of this process has its number, and reading that may wait for ever.</exception>
    public static Stream Open(CancellationToken stop) => IsGiven()
        ? new PromptInput(Console.OpenStandardInput(), stop)
        : throw new FlowException("standard input: is closed; pipe rows into it, or name a file");

    // What is given to a process is not closed when a program starts. What the runtime opens for itself is marked to be.
    private static bool IsGiven()
    {
        if (!Directory.Exists("/proc/self/fdinfo"))
            return true; // nobody can tell
        string? flags = File.Exists(Facts)
            ? Array.Find(File.ReadAllLines(Facts), line => line.StartsWith(Flags, StringComparison.Ordinal))
            : null;
        return flags is not null && (Convert.ToInt32(flags[Flags.Length..].Trim(), fromBase: 8) & CloseOnExec) == 0;
    }
}
