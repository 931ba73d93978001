using FlowCore;
using FlowCore.Checkpoints;
using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Sources;

/// <summary>
/// Brings what a source has and the repository lacks: each version into a folder aside, compared with its hashes, then renamed to NAME/VERSION. A version that is there is never written over: what
/// was asked about it was answered by the model that it is.
/// </summary>
internal sealed class SourcePuller(ModelRepository repository, IOptionsMonitor<ServingOptions> serving, IOptions<ModelsOptions> options, TimeProvider time, ILogger<SourcePuller> logger)
{
    private const int MostFiles = 64;

    private readonly HashSet<(string Source, string Path)> told = [];

    // What is not as a version must be, and will be no other: it is not fetched again.
    private readonly Dictionary<(string Source, string Path), (string Identity, SourceException Fault)> unfit = [];

    /// <summary>One look at a source; the number of versions that it brought.</summary>
    /// <exception cref="SourceException">The source, or one of its versions, cannot be had; the others were brought.</exception>
    public async Task<int> PullAsync(ModelSource source, CancellationToken stop)
    {
        try
        {
            using var aside = new Aside(repository.Path, options.Value.SourceBytes, time);
            IReadOnlyList<SourceVersion> versions = await source.ListAsync(identity => Brought(source).Exists(each => each.Identity == identity), aside, stop);
            int brought = 0;
            SourceException? fault = null;
            foreach (SourceVersion version in Wanted(versions))
                try
                {
                    brought += await BringAsync(source, version, aside, stop) ? 1 : 0;
                }
                catch (SourceException e)
                {
                    fault ??= new SourceException($"{version.Model}{(version.Version is { } number ? $"/{number}" : "")}: {e.Message}", e);
                }
            return fault is null ? brought : throw fault;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceException($"the repository {repository.Path} cannot be written to: {e.Message}", e);
        }
    }

    /// <summary>What a source has brought into the repository, in this process or in another one.</summary>
    public List<SourceRecord> Brought(ModelSource source) =>
        [.. repository.Scan().Folders.Select(folder => SourceRecord.Of(folder.Path)).OfType<SourceRecord>().Where(record => record.Source == source.Name && record.From == source.Settings.From.OriginalString)];

    // Of a model whose latest version alone is served, that one.
    private IEnumerable<SourceVersion> Wanted(IReadOnlyList<SourceVersion> versions) => versions.GroupBy(version => version.Model).SelectMany(model =>
    {
        ServingOptions of = serving.Get(model.Key);
        IOrderedEnumerable<SourceVersion> wanted = model.Where(version => version.Version is null || of.Wants(version.Version.Value)).OrderByDescending(version => version.Version);
        return of.IsLatest ? wanted.Take(1) : wanted;
    });

    private async Task<bool> BringAsync(ModelSource source, SourceVersion version, Aside aside, CancellationToken stop)
    {
        int number = version.Version ?? repository.Scan().Folders.Where(folder => folder.Name == version.Model).Select(folder => folder.Version).DefaultIfEmpty().Max() + 1;
        string target = Path.Combine(repository.Path, version.Model, $"{number}");
        if (Directory.Exists(target) || File.Exists(target))
        {
            if (SourceRecord.Of(target) is not { } record || record.Source != source.Name || record.Identity != version.Identity)
                TellKept(source, target);
            return false;
        }
        if (unfit.TryGetValue((source.Name, target), out var before) && before.Identity == version.Identity)
            throw before.Fault;
        if (version.Files.Count == 0)
            return false;
        if (version.Files.Count > MostFiles)
            throw Unfit($"it has {version.Files.Count} files, and a version has {MostFiles} at most");
        string folder = Directory.CreateDirectory(aside.NewPath()).FullName;
        var hashes = new Dictionary<string, string>(StringComparer.Ordinal);
        // A file that was damaged before comes first: where it still is, the others need not come again.
        foreach (SourceFile file in version.Files.OrderByDescending(file => source.Damaged.Has(PathOf(file))))
            hashes[file.Name] = await source.Damaged.FetchAsync(PathOf(file), file, aside, Path.Combine(folder, file.Name), stop);
        if (FaultOf(folder, hashes) is { } fault)
            throw Unfit(fault);
        new SourceRecord(source.Name, source.Settings.From.OriginalString, version.Identity).Write(folder);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        try
        {
            Directory.Move(folder, target);
        }
        catch (IOException) when (Directory.Exists(target))
        {
            return false; // another replica that shares the repository was faster
        }
        logger.Brought(source.Name, version.Model, number, hashes.Count);
        return true;

        string PathOf(SourceFile file) => $"{version.Model}/{version.Version}/{file.Name}";

        SourceException Unfit(string why)
        {
            var e = new SourceException(why);
            unfit[(source.Name, target)] = (version.Identity, e);
            return e;
        }
    }

    // flow.json states the hash of the weights: what cannot be loaded is not put where others look for models.
    private static string? FaultOf(string folder, Dictionary<string, string> hashes)
    {
        if (!hashes.ContainsKey(Checkpoint.SpecFile))
            return $"it has no {Checkpoint.SpecFile}: a version is a folder with {Checkpoint.SpecFile} and {Checkpoint.WeightsFile}";
        try
        {
            WeightsRecord? weights = SpecJson.Parse(File.ReadAllBytes(Path.Combine(folder, Checkpoint.SpecFile))).Weights;
            string? actual = weights is null ? null : hashes.GetValueOrDefault(weights.File);
            return actual is not null && actual == weights!.Sha256 ? null
                : $"{Checkpoint.SpecFile} says that the weights are {weights?.File ?? "missing"} with the SHA-256 {weights?.Sha256 ?? "missing"}; "
                    + $"{(actual is null ? "there is no such file" : $"that file's is {actual}")}";
        }
        catch (FlowException e)
        {
            return e.Message;
        }
    }

    private void TellKept(ModelSource source, string path)
    {
        if (told.Add((source.Name, path)))
            logger.Kept(source.Name, path);
    }
}
