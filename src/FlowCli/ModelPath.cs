using System.Globalization;
using FlowCore;
using FlowCore.Checkpoints;

namespace FlowCli;

/// <summary>The folder of a checkpoint: models/NAME/VERSION, or models/NAME for the newest version.</summary>
internal static class ModelPath
{
    /// <summary>The checkpoint's own folder.</summary>
    public static string Resolve(string path)
    {
        if (File.Exists(Path.Combine(path, Checkpoint.SpecFile)) || Newest(path) is not { } newest)
            return path;
        return Path.Combine(path, newest.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The newest version of a model in a repository.</summary>
    /// <exception cref="FlowException">There is none.</exception>
    public static string Newest(string repository, string model)
    {
        string folder = Path.Combine(repository, model);
        return Newest(folder) is { } version
            ? Path.Combine(folder, version.ToString(CultureInfo.InvariantCulture))
            : throw new FlowException($"{folder}: has no version of the model; --models names the repository");
    }

    /// <summary>The version that a checkpoint's folder is called; 0 where its name is none.</summary>
    public static int VersionOf(string folder) => Version(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))) ?? 0;

    private static int? Newest(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateDirectories(folder).Select(Version).Max() : null;

    private static int? Version(string path) => VersionName.Of(Path.GetFileName(path));
}
