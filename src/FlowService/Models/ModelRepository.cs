using System.Globalization;
using FlowCore.Checkpoints;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>One version of a model on disk.</summary>
internal sealed record ModelFolder(string Name, int Version, string Path)
{
    /// <summary>Whether its flow.json is there: it is written last.</summary>
    public bool IsComplete => File.Exists(System.IO.Path.Combine(Path, Checkpoint.SpecFile));

    /// <summary>The size of its weights, which is about the memory that it takes.</summary>
    public long WeightBytes => new FileInfo(System.IO.Path.Combine(Path, Checkpoint.WeightsFile)) is { Exists: true } file ? file.Length : 0;

    /// <summary>Differs where the files have changed.</summary>
    public string Stamp => string.Join(' ', ((string[])[Checkpoint.SpecFile, Checkpoint.WeightsFile])
        .Select(name => new FileInfo(System.IO.Path.Combine(Path, name)))
        .Select(file => file.Exists ? $"{file.LastWriteTimeUtc.Ticks}/{file.Length}" : "none"));
}

/// <summary>The folder that holds the models, as NAME/VERSION/ with VERSION a positive integer.</summary>
internal sealed class ModelRepository(IOptions<ModelsOptions> options, IHostEnvironment environment)
{
    public string Path { get; } = Locate(options.Value.Repository, Environment.CurrentDirectory, environment.ContentRootPath);

    /// <summary>Every version of every model, by name and version. Names that begin with a dot are unfinished or hidden.</summary>
    public List<ModelFolder> Scan()
    {
        if (!Directory.Exists(Path))
            return [];
        var found = new List<ModelFolder>();
        foreach (string model in Directory.EnumerateDirectories(Path))
            foreach (string version in Directory.EnumerateDirectories(model))
                if (VersionOf(version) is { } number && !Name(model).StartsWith('.'))
                    found.Add(new(Name(model), number, version));
        return [.. found.OrderBy(folder => folder.Name, StringComparer.Ordinal).ThenBy(folder => folder.Version)];
    }

    /// <summary>
    /// A relative path is looked for in the current folder, then beside the program and in the folders above it, so that
    /// <c>dotnet run</c> finds the repository of a clone. A folder that holds no model does not count.
    /// </summary>
    internal static string Locate(string repository, string currentFolder, string contentRoot)
    {
        string first = System.IO.Path.GetFullPath(repository, currentFolder);
        if (System.IO.Path.IsPathRooted(repository) || HoldsModels(first))
            return first;
        for (string? folder = System.IO.Path.GetFullPath(contentRoot); folder is not null; folder = System.IO.Path.GetDirectoryName(folder))
            if (HoldsModels(System.IO.Path.GetFullPath(repository, folder)))
                return System.IO.Path.GetFullPath(repository, folder);
        return first;
    }

    private static bool HoldsModels(string path) =>
        Directory.Exists(path)
        && Directory.EnumerateDirectories(path).SelectMany(Directory.EnumerateDirectories)
            .Any(version => VersionOf(version) is not null && File.Exists(System.IO.Path.Combine(version, Checkpoint.SpecFile)));

    private static string Name(string path) => System.IO.Path.GetFileName(path);

    private static int? VersionOf(string path) =>
        int.TryParse(Name(path), NumberStyles.None, CultureInfo.InvariantCulture, out int version) && version > 0 && !Name(path).StartsWith('0')
            ? version
            : null;
}
