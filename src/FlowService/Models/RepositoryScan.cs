using FlowCore.Checkpoints;
using FlowRows;

namespace FlowService.Models;

/// <summary>Something in the repository that is not a version of a model, and what to do about it.</summary>
internal sealed record RepositoryNote(string Path, string Reason);

/// <summary>
/// One look at the repository. Whatever cannot be read becomes a note, and the rest is found all the same; what cannot be seen
/// now is not taken for gone.
/// </summary>
internal sealed class RepositoryScan
{
    private const string Unseen = "what is loaded of it goes on serving";

    private static readonly EnumerationOptions Everything = new() { IgnoreInaccessible = false, AttributesToSkip = 0 };

    private readonly List<ModelFolder> folders = [];
    private readonly List<RepositoryNote> notes = [];
    private readonly HashSet<string> unseenModels = new(StringComparer.Ordinal);
    private readonly HashSet<(string, int)> unseenVersions = [];

    /// <summary>Looks at a folder of NAME/VERSION/ folders.</summary>
    public RepositoryScan(string root)
    {
        if (FileStatus.Of(root, out string fault) is not { IsFolder: true })
            Fault = $"{root} is not a folder{(fault.Length > 0 ? $" ({fault})" : "")}";
        else if (Entries(root, out fault) is not { } models)
            Fault = $"{root} cannot be read ({fault})";
        else
            Array.ForEach(models, LookAtModel);
        folders.Sort((a, b) => a.Name == b.Name ? a.Version.CompareTo(b.Version) : string.CompareOrdinal(a.Name, b.Name));
    }

    /// <summary>Why the repository itself cannot be read, or null.</summary>
    public string? Fault { get; }

    /// <summary>Every version of every model, by name and version.</summary>
    public List<ModelFolder> Folders => folders;

    public IReadOnlyList<RepositoryNote> Notes => notes;

    /// <summary>Whether a version that was there is not any more: it can be seen that it is not.</summary>
    public bool IsGone(string name, int version) =>
        !IsUnseen(name, version) && !folders.Exists(folder => folder.Name == name && folder.Version == version);

    /// <summary>Whether a version may be there and cannot be looked at now.</summary>
    public bool IsUnseen(string name, int? version) =>
        Fault is not null || unseenModels.Contains(name)
        || unseenVersions.Any(each => each.Item1 == name && each.Item2 == (version ?? each.Item2));

    private void LookAtModel(string path)
    {
        string name = Path.GetFileName(path);
        FileStatus? status = FileStatus.Of(path, out string fault);
        if (status is { IsFolder: false })
            return; // a README, a licence
        string[]? versions = status is null ? null : Entries(path, out fault);
        if (versions is null)
        {
            unseenModels.Add(name);
            Note(path, $"cannot be read ({fault}); {Unseen}. Give the service the right to read it, mend the link, or move it out of "
                + "the repository");
            return;
        }
        int before = folders.Count, noted = notes.Count;
        foreach (string version in versions)
            LookAtVersion(name, version);
        if (FileStatus.Of(Path.Combine(path, Checkpoint.SpecFile)) is not null)
            Note(path, $"its {Checkpoint.SpecFile} lies a level too high: models are NAME/VERSION/{Checkpoint.SpecFile}; move the files "
                + $"into {path}/1, or, where this is a version already, point Models:Repository at the folder above its name");
        else if (folders.Count == before && notes.Count == noted && !unseenVersions.Any(each => each.Item1 == name))
            Note(path, $"holds no version of a model: those are NAME/VERSION/{Checkpoint.SpecFile} with VERSION 1, 2, ...; move it out of "
                + "the repository, or begin its name with a dot");
    }

    private void LookAtVersion(string name, string path)
    {
        string last = Path.GetFileName(path);
        int? version = VersionName.Of(last);
        FileStatus? status = FileStatus.Of(path, out string fault);
        if (status is null && version is { } unseen)
        {
            unseenVersions.Add((name, unseen));
            Note(path, $"cannot be read ({fault}); {Unseen}. Give the service the right to read it, mend the link, or delete it");
        }
        else if (status is { IsFolder: true } && version is { } number)
        {
            Add(new(name, number, path));
        }
        else if (version is not null)
        {
            Note(path, "is a file: a version is a folder with flow.json and its weights; move it away");
        }
        else if (status is { IsFolder: true })
        {
            Note(path, $"is not a version: versions are whole numbers from 1 to {int.MaxValue} without leading zeros; rename the folder, "
                + "or begin its name with a dot");
        }
    }

    private void Add(ModelFolder folder)
    {
        if (Entries(folder.Path, out string fault) is null)
        {
            unseenVersions.Add((folder.Name, folder.Version));
            Note(folder.Path, $"cannot be read ({fault}); {Unseen}. Give the service the right to read it");
            return;
        }
        folders.Add(folder);
        if (folder.Fault is { } reason)
            Note(folder.Path, reason);
    }

    private void Note(string path, string reason) => notes.Add(new(path.OneLine(), reason.OneLine()));

    /// <summary>What lies in a folder, in order, but for what a dot hides; null with the reason where it cannot be read.</summary>
    private static string[]? Entries(string folder, out string fault)
    {
        try
        {
            fault = "";
            return [.. Directory.EnumerateFileSystemEntries(folder, "*", Everything)
                .Where(path => !Path.GetFileName(path).StartsWith('.')).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = e.Message;
            return null;
        }
    }
}
