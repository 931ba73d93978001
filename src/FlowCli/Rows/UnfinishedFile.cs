using System.Text.RegularExpressions;
using FlowCore;
using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowRows;

namespace FlowCli.Rows;

/// <summary>A file written beside its place and renamed into it when it is whole; deleted where it never was.</summary>
internal sealed partial class UnfinishedFile : IDisposable
{
    private readonly string path;
    private readonly string aside;
    private bool whole;

    /// <exception cref="FlowException">There can be no such file, or it is a model's own.</exception>
    public UnfinishedFile(string path)
    {
        this.path = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(this.path)!;
        if (!Directory.Exists(folder))
            throw new FlowException($"{path}: the folder {Path.GetDirectoryName(path)} does not exist");
        if (Directory.Exists(this.path))
            throw new FlowException($"{path}: is a folder");
        if (IsOfModel(this.path))
            throw new FlowException($"{path}: is a file of the model in that folder, which could not be read without it; name another file");
        aside = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}");
        Stream = new PromptFile(aside, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
    }

    public FileStream Stream { get; }

    /// <summary>What the system says of the file aside, as if it said it of the file.</summary>
    public static string Named(string message) => NameAside().Replace(message, "/$1");

    public void Complete()
    {
        Stream.Dispose();
        File.Move(aside, path, overwrite: true);
        whole = true;
    }

    public void Dispose()
    {
        try
        {
            Stream.Dispose();
        }
        catch (IOException)
        {
            // The last bytes do not fit either, and nobody misses them: what was written is told of, or was not to stay.
        }
        if (!whole)
            File.Delete(aside);
    }

    private static bool IsOfModel(string path) =>
        Path.GetFileName(path) is Checkpoint.SpecFile or Checkpoint.WeightsFile or CalibrationSet.File
        && File.Exists(path) && File.Exists(Path.Combine(Path.GetDirectoryName(path)!, Checkpoint.SpecFile));

    [GeneratedRegex("/\\.([^/]+)\\.[0-9a-f]{32}")]
    private static partial Regex NameAside();
}
