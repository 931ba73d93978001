using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>The folder that holds the models, as NAME/VERSION/ with VERSION a positive integer.</summary>
internal sealed class ModelRepository(IOptions<ModelsOptions> options, IHostEnvironment environment)
{
    public string Path { get; } = Locate(options.Value.Repository, Environment.CurrentDirectory, environment.ContentRootPath);

    /// <summary>What is there now. Names that begin with a dot are unfinished or hidden.</summary>
    public RepositoryScan Scan() => new(Path);

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

    private static bool HoldsModels(string path) => new RepositoryScan(path).Folders.Exists(folder => folder.IsComplete);
}
