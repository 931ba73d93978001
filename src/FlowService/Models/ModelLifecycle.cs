using System.Diagnostics;
using FlowCore;
using FlowRows;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Telemetry;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>
/// Brings the registry in line with the repository, one load after the other. A new version is loaded, self-tested and warmed up
/// beside the old one, then published; the old one drains. One that cannot be loaded leaves the old one serving.
/// </summary>
internal sealed class ModelLifecycle(
    ModelRepository repository, ModelLoader loader, ModelRegistry registry, ModelMemory memory, IOptionsMonitor<ServingOptions> serving,
    ServiceGate gate, FlowMetrics metrics, TimeProvider time, ILogger<ModelLifecycle> logger) : IDisposable
{
    private readonly SemaphoreSlim turn = new(1);
    private readonly Dictionary<(string, int), string> seen = [], changing = [];
    private readonly HashSet<(string, int)> unloaded = [];
    private volatile HashSet<RepositoryNote> told = [];

    /// <summary>What the last look at the repository found that is not a version of a model.</summary>
    public IReadOnlyCollection<RepositoryNote> Notes => told;

    /// <summary>Looks at the repository, and loads what is new or has changed. <paramref name="isStart"/>: also reports folders without a model.</summary>
    public async Task RefreshAsync(bool isStart, CancellationToken stop)
    {
        await turn.WaitAsync(stop);
        try
        {
            RepositoryScan scan = Scan();
            foreach (var model in scan.Folders.GroupBy(folder => folder.Name))
                await RefreshWhatCanBeAsync(model.Key, model, isStart, stop);
            foreach (ModelVersion version in registry.Models.SelectMany(model => model.Value))
                if (scan.IsGone(version.Name, version.Version))
                    Drop(version.Name, version.Version);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Reads a model from disk again, as an administrator asks: all its versions, or one.</summary>
    /// <exception cref="RequestException">404 where the repository has none, 503 where it cannot be read or loaded.</exception>
    public async Task<ModelVersion> LoadAsync(string name, int? version, CancellationToken stop)
    {
        await turn.WaitAsync(stop);
        try
        {
            RepositoryScan scan = Scan();
            List<ModelFolder> folders = scan.Folders.FindAll(folder => folder.Name == name);
            List<ModelFolder> asked = folders.FindAll(folder => version is null || folder.Version == version);
            if (asked.Count == 0 && scan.IsUnseen(name, version))
                throw Unseen(name, scan);
            if (asked.Count == 0)
                throw new RequestException(version is null ? ProblemKind.UnknownModel : ProblemKind.UnknownVersion,
                    $"the repository has no folder {name.Shown()}/{version?.ToString() ?? "VERSION"} with a flow.json");
            foreach (ModelFolder folder in asked)
            {
                unloaded.Remove((name, folder.Version));
                seen.Remove((name, folder.Version));
            }
            await RefreshAsync(folders, isStart: true, stop);
        }
        finally
        {
            turn.Release();
        }
        ModelVersion loaded = version is null ? registry.Versions(name)[0] : registry.Get(name, version);
        return loaded.Reason is null ? loaded : throw new RequestException(ProblemKind.ModelFailed, $"model '{name}' version {loaded.Version}: {loaded.Reason}");
    }

    /// <summary>Unloads a model, or one version, until an administrator loads it; returns when its memory is given back.</summary>
    public async Task UnloadAsync(string name, int? version)
    {
        var leaving = new List<Task>();
        await turn.WaitAsync();
        try
        {
            foreach (ModelVersion each in version is null ? registry.Versions(name) : [registry.Get(name, version)])
            {
                unloaded.Add((name, each.Version));
                registry.Publish(ModelVersion.Unloaded(name, each.Version));
                memory.Remove(name, each.Version);
                if (each.Served is { } served)
                    leaving.Add(LetGoAsync(served));
            }
        }
        finally
        {
            turn.Release();
        }
        await Task.WhenAll(leaving); // others may load meanwhile
    }

    /// <summary>The model that serves a request, held for it. One that was evicted is loaded first.</summary>
    /// <exception cref="RequestException">404 unknown, 422 not named, 503 not loaded, 504 not loaded in time.</exception>
    public async Task<ModelLease> LeaseAsync(string? name, int? version, TimeSpan timeout, CancellationToken callerGone)
    {
        while (true)
        {
            ModelVersion found = registry.Get(name, version);
            if (found.State == ModelState.OnDemand)
                await LoadedAsync(found, timeout, callerGone);
            else if (found.Served is not { } model)
                throw Refusal(found);
            else if (model.TryLease()) // else it was replaced this moment: its successor is published
            {
                memory.Touch(model);
                return new(model);
            }
        }
    }

    public void Dispose() => turn.Dispose();

    /// <summary>Waits for a load that goes on without the caller.</summary>
    private async Task LoadedAsync(ModelVersion version, TimeSpan timeout, CancellationToken callerGone)
    {
        try
        {
            await OnDemandAsync(version).WaitAsync(timeout, time, callerGone);
        }
        catch (TimeoutException)
        {
            throw Deadline.Passed();
        }
    }

    private async Task OnDemandAsync(ModelVersion version)
    {
        await turn.WaitAsync();
        try
        {
            if (registry.Known(version.Name, version.Version) is not { State: ModelState.OnDemand })
                return; // another caller's wait has brought it
            RepositoryScan scan = Scan();
            if (scan.Folders.Find(folder => folder.Name == version.Name && folder.Version == version.Version) is { } folder)
                await LoadAsync(folder);
            else if (scan.IsUnseen(version.Name, version.Version))
                throw Unseen(version.Name, scan);
            else
                Drop(version.Name, version.Version);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Looks at the repository, and tells what is odd there, once.</summary>
    private RepositoryScan Scan()
    {
        RepositoryScan scan = repository.Scan();
        RepositoryNote[] notes = scan.Fault is null ? [.. scan.Notes] : [new(repository.Path, scan.Fault)];
        foreach (RepositoryNote note in notes)
            if (!told.Contains(note))
                logger.RepositoryNoted(note.Path, note.Reason);
        told = [.. notes];
        gate.RepositoryFault = scan.Fault;
        return scan;
    }

    /// <summary>Whatever happens to one model, the others are looked at.</summary>
    private async Task RefreshWhatCanBeAsync(string name, IEnumerable<ModelFolder> versions, bool isStart, CancellationToken stop)
    {
        try
        {
            await RefreshAsync(versions, isStart, stop);
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            logger.ModelNotLookedAt(name, e.Message, e);
        }
    }

    private async Task RefreshAsync(IEnumerable<ModelFolder> versions, bool isStart, CancellationToken stop)
    {
        bool serves = false;
        foreach (ModelFolder folder in versions.OrderByDescending(folder => folder.Version))
        {
            ServingOptions options = serving.Get(folder.Name);
            if (unloaded.Contains((folder.Name, folder.Version)))
                continue;
            if (!options.Wants(folder.Version) || (options.IsLatest && serves))
                Drop(folder.Name, folder.Version);
            else if (!stop.IsCancellationRequested)
                serves |= await BringAsync(folder, isStart) is { Serves: true };
        }
    }

    /// <summary>Loads a folder that is new or has changed; the version as it is then, or null where there is none yet.</summary>
    private async Task<ModelVersion?> BringAsync(ModelFolder folder, bool isStart)
    {
        ModelVersion? known = registry.Known(folder.Name, folder.Version);
        string stamp = folder.Stamp;
        bool isHalfWritten = !isStart && !folder.IsComplete && folder.Fault is null;
        if (isHalfWritten || seen.GetValueOrDefault((folder.Name, folder.Version)) == stamp)
            return known;
        // What could not be loaded may still be on its way: it is tried again when it was the same at two looks.
        if (!isStart && known?.Reason is not null && changing.GetValueOrDefault((folder.Name, folder.Version)) != stamp)
        {
            changing[(folder.Name, folder.Version)] = stamp;
            return known;
        }
        changing.Remove((folder.Name, folder.Version));
        seen[(folder.Name, folder.Version)] = stamp;
        if (known?.Served is not null || memory.HasRoom(SizeOf(folder)))
            return await LoadAsync(folder);
        registry.Publish(ModelVersion.OnDemand(folder.Name, folder.Version));
        return registry.Known(folder.Name, folder.Version);
    }

    private async Task<ModelVersion> LoadAsync(ModelFolder folder)
    {
        gate.Progress = $"loading {folder.Name} version {folder.Version}";
        ModelVersion? before = registry.Known(folder.Name, folder.Version);
        if (before is null)
            registry.Publish(ModelVersion.Loading(folder));
        long began = Stopwatch.GetTimestamp();
        ModelVersion loaded;
        try
        {
            if (folder.Fault is { } fault)
                throw new CheckpointException(fault);
            await memory.MakeRoomAsync(SizeOf(folder));
            loaded = await loader.LoadAsync(folder);
        }
        catch (FlowException e)
        {
            loaded = ModelVersion.Failed(folder, e.Message);
        }
        metrics.ModelLoaded(loaded, Stopwatch.GetElapsedTime(began));
        before = registry.Known(folder.Name, folder.Version);
        if (loaded.Served is null && before?.Served is not null)
            loaded = before with { Reason = $"its files have changed and cannot be loaded; what was loaded before goes on serving: {loaded.Reason}" };
        bool published = registry.Publish(loaded);
        if (loaded.Served is { } served && served != before?.Served)
            if (published)
                memory.Add(served, SizeOf(folder));
            else
                _ = LetGoAsync(served); // the service has ended meanwhile
        if (before?.Served is { } old && old != loaded.Served)
            _ = LetGoAsync(old);
        return loaded;
    }

    private void Drop(string name, int version)
    {
        memory.Remove(name, version);
        seen.Remove((name, version));
        changing.Remove((name, version));
        if (registry.Remove(name, version)?.Served is { } served)
            _ = LetGoAsync(served);
    }

    private static async Task LetGoAsync(ServedModel model)
    {
        await model.RetireAsync();
        NativeHeap.Release();
    }

    private long SizeOf(ModelFolder folder) => folder.WeightBytes * serving.Get(folder.Name).Instances;

    private static RequestException Unseen(string name, RepositoryScan scan) => new(ProblemKind.ModelFailed,
        $"model '{name.Shown()}' cannot be read from disk now: "
        + $"{scan.Fault ?? "its folder is a link that leads nowhere, or the service may not read it"}; what is loaded of it goes on serving");

    /// <summary>Why a version is not served.</summary>
    public static RequestException Refusal(ModelVersion found) => found.State switch
    {
        ModelState.Failed => new(ProblemKind.ModelFailed, $"model '{found.Name}' version {found.Version} could not be loaded: {found.Reason}"),
        ModelState.Unloaded => new(ProblemKind.NotReady,
            $"model '{found.Name}' version {found.Version} is unloaded; an administrator loads it by POST /models/{found.Name}/load"),
        _ => new(ProblemKind.NotReady, $"model '{found.Name}' version {found.Version} is still loading") { RetryAfter = 1 },
    };
}
