using FlowCore;
using FlowCore.Checkpoints;

namespace FlowCli;

/// <summary>The folder that a new checkpoint is written to.</summary>
internal static class NewCheckpoint
{
    /// <summary>Refuses a folder that is there already, that cannot be a model's, or that cannot be written: before anything is read or computed.</summary>
    /// <exception cref="FlowException">With the remedy.</exception>
    public static void Check(string folder)
    {
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any() || File.Exists(folder))
            throw new FlowException($"{folder}: exists already; choose another version, or delete it");
        _ = ModelName.Of(folder);
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)), last = Path.GetFileName(full);
        if (last.All(char.IsAsciiDigit) && VersionName.Of(last) is null)
            throw new FlowException($"{folder}: '{last}' is no version that would be served: versions are 1, 2, ... {int.MaxValue}, without zeros before them");
        string parent = full;
        while (!Directory.Exists(parent))
            parent = File.Exists(parent)
                ? throw new FlowException($"{folder}: cannot be written, for {parent} is a file; choose another folder")
                : Path.GetDirectoryName(parent)!;
        try
        {
            Directory.Delete(Directory.CreateDirectory(Path.Combine(parent, $".{Guid.NewGuid():N}")).FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FlowException($"{folder}: cannot be written, for nothing can be made in {parent}; choose another folder");
        }
    }
}
