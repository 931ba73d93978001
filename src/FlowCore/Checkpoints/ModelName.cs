namespace FlowCore.Checkpoints;

/// <summary>What a model may be called: its name is a folder, a part of addresses, a header and the label of metrics.</summary>
public static class ModelName
{
    public const int Longest = 128;

    /// <summary>The rule in words.</summary>
    public const string Rule =
        "a model's name has 1 to 128 of the letters a-z and A-Z, digits, '.', '_' and '-', and does not begin with '.'";

    public static bool IsAllowed(string name) =>
        name.Length is > 0 and <= Longest && name[0] != '.'
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>The name of the model in a checkpoint's folder: of models/NAME/1 it is NAME.</summary>
    /// <exception cref="CheckpointException">The name breaks the rule.</exception>
    public static string Of(string folder)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        string last = Path.GetFileName(full);
        bool isVersion = last.All(char.IsAsciiDigit);
        string name = isVersion && Path.GetFileName(Path.GetDirectoryName(full)) is { Length: > 0 } parent ? parent : last;
        return IsAllowed(name)
            ? name
            : throw new CheckpointException($"{folder}: '{name}' cannot be a model's name: {Rule}; write to models/NAME/VERSION");
    }
}
