using FlowService.Security;

namespace FlowService.Startup;

/// <summary>
/// The command line: settings as <c>--Section:Name VALUE</c> or <c>--Section:Name=VALUE</c>, and the few options that answer by themselves.
/// ASP.NET's own reader passes over what it does not understand; nothing is passed over here.
/// </summary>
internal sealed class CommandLine
{
    private readonly List<string> settings = [], withoutValue = [], faults = [];

    public CommandLine(string[] arguments)
    {
        string[] args = [.. arguments];
        Args = args;
        if (args is [KeyCommand.Name] or [KeyCommand.Name, "-"])
        {
            AsksKey = true;
            return;
        }
        for (int i = 0; i < args.Length; i++)
            if (args[i] is "--help" or "-h" or "-?" or "help")
                AsksHelp = true;
            else if (args[i] is "--version")
                AsksVersion = true;
            else if (args[i] is "--settings")
                AsksSettings = true;
            else if (args[i] is "--insecure")
                Insecure(args, i);
            else if (!args[i].StartsWith("--", StringComparison.Ordinal) || args[i].Length == 2)
                faults.Add($"'{args[i]}' is not a setting: settings are given as --Section:Name VALUE. FlowService --help lists them.");
            else if (args[i].Contains('=', StringComparison.Ordinal))
                TakeWhole(args[i]);
            else
                TakeWithValue(args, ref i);
    }

    public bool AsksHelp { get; }

    public bool AsksVersion { get; }

    /// <summary>Whether the page of all settings shall be printed.</summary>
    public bool AsksSettings { get; }

    /// <summary>Whether a key shall be made, or a given one hashed.</summary>
    public bool AsksKey { get; }

    /// <summary>The arguments with every option as the setting that it is short for.</summary>
    public string[] Args { get; }

    /// <summary>The settings by name, in order.</summary>
    public IReadOnlyList<string> Settings => settings;

    /// <summary>Those of them that end there.</summary>
    public IReadOnlyList<string> WithoutValue => withoutValue;

    /// <summary>What cannot be a setting.</summary>
    public IReadOnlyList<string> Faults => faults;

    private void Insecure(string[] args, int i)
    {
        settings.Add($"{SecurityOptions.Section}:{nameof(SecurityOptions.Insecure)}");
        args[i] = $"--{settings[^1]}=true";
    }

    // "--Models=" says nothing; those who hand a whole configuration on write it. An empty value of a setting is looked at with the others.
    private void TakeWhole(string argument)
    {
        int sign = argument.IndexOf('=', StringComparison.Ordinal);
        string name = argument[2..sign];
        if (sign < argument.Length - 1 || !KnownSettings.IsOwnSection(name.Split(':')[0]))
            settings.Add(name);
    }

    private void TakeWithValue(string[] args, ref int i)
    {
        string name = args[i][2..];
        settings.Add(name);
        if (i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal))
            i++;
        else
            withoutValue.Add(name);
    }
}
