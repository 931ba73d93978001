using FlowCore;
using FlowRows;

namespace FlowCli.Rows;

/// <summary>A file written beside its place and renamed into it when it is whole; deleted where it never was.</summary>
internal sealed class UnfinishedFile : IDisposable
{
    private readonly string path;
    private readonly string aside;
    private bool whole;

    public UnfinishedFile(string path)
    {
        this.path = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(this.path)!;
        if (!Directory.Exists(folder))
            throw new FlowException($"{path}: the folder {Path.GetDirectoryName(path)} does not exist");
        if (Directory.Exists(this.path))
            throw new FlowException($"{path}: is a folder");
        aside = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}");
        Stream = new PromptFile(aside, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
    }

    public FileStream Stream { get; }

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
}
