using FlowCore.Checkpoints;

namespace FlowService.Sources;

/// <summary>A file's place in a repository, NAME/VERSION/FILE, as somebody else wrote it. No path that leads elsewhere becomes one.</summary>
internal sealed record SourcePath(string Model, int Version, string File)
{
    private const int LongestFile = 128;

    /// <summary>Reads a path with '/' between its parts; null where it is no file of a version, like a README above.</summary>
    /// <exception cref="SourceException">It leads out of the repository, or tries to.</exception>
    public static SourcePath? Of(string path)
    {
        string[] parts = path.Split('/');
        if (parts.Length > 0 && parts[0] == ".")
            parts = parts[1..];
        if (path.Contains('\\', StringComparison.Ordinal) || path.Contains('\0', StringComparison.Ordinal) || path.Contains(':', StringComparison.Ordinal)
            || Array.Exists(parts[..^Math.Min(1, parts.Length)], part => part.Length == 0) || Array.Exists(parts, part => part is "." or ".."))
            throw new SourceException($"it names the file '{FlowRows.ShownText.Shown(path)}', which is not a path below a repository: nothing of it is taken");
        return parts is [var model, var version, var file] && ModelName.IsAllowed(model) && IsFile(file) && VersionName.Of(version) is { } number ? new(model, number, file) : null;
    }

    /// <summary>Whether a file of a version may have this name.</summary>
    public static bool IsFile(string name) =>
        name.Length is > 0 and <= LongestFile && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
