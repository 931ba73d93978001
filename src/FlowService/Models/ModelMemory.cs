using FlowCore;
using FlowService.Telemetry;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>
/// How many models may be in memory, by the size of their weights. Where they do not all fit, the least recently used ones make
/// room, and are loaded again when they are asked for.
/// </summary>
internal sealed class ModelMemory(IOptions<ModelsOptions> options, ModelRegistry registry, FlowMetrics metrics, ILogger<ModelMemory> logger) : IDisposable
{
    private readonly long limit = options.Value.MemoryBytes;
    private readonly MemoryCache cache = new(new MemoryCacheOptions { SizeLimit = options.Value.MemoryBytes > 0 ? options.Value.MemoryBytes : null, TrackStatistics = true });

    public bool IsLimited => limit > 0;

    public bool HasRoom(long bytes) => !IsLimited || Used + bytes <= limit;

    private long Used => cache.GetCurrentStatistics()!.CurrentEstimatedSize ?? 0;

    /// <summary>Evicts models until so many bytes are free, and returns when their memory is given back.</summary>
    /// <exception cref="FlowException">The model alone is larger than the limit.</exception>
    public async Task MakeRoomAsync(long bytes)
    {
        if (HasRoom(bytes))
            return;
        if (bytes > limit)
            throw new FlowException($"its weights are {bytes} bytes, more than all models may have together; raise Models:MemoryBytes ({limit})");
        ServedModel[] resident = [.. registry.Served];
        while (!HasRoom(bytes) && cache.Count > 0)
            cache.Compact(1.0001 / cache.Count); // the least recently used one
        HashSet<object> kept = [.. cache.Keys];
        await Task.WhenAll(resident.Where(model => !kept.Contains(Key(model))).Select(model => model.Ended));
        NativeHeap.Release();
    }

    /// <summary>Counts a model that is loaded.</summary>
    public void Add(ServedModel model, long bytes)
    {
        if (IsLimited)
            cache.Set(Key(model), model, new MemoryCacheEntryOptions { Size = Math.Max(1, bytes) }.RegisterPostEvictionCallback(Evicted));
    }

    /// <summary>Notes that a model is used.</summary>
    public void Touch(ServedModel model)
    {
        if (IsLimited)
            cache.TryGetValue(Key(model), out _);
    }

    /// <summary>Forgets a model that is unloaded for another reason.</summary>
    public void Remove(string name, int version) => cache.Remove((name, version));

    public void Dispose() => cache.Dispose();

    private void Evicted(object key, object? value, EvictionReason reason, object? state)
    {
        if (reason != EvictionReason.Capacity || value is not ServedModel model)
            return;
        logger.ModelEvicted(model.Name, model.Version);
        metrics.Evicted(model);
        if (registry.Known(model.Name, model.Version)?.Served == model)
            registry.Publish(ModelVersion.OnDemand(model.Name, model.Version));
        _ = model.RetireAsync();
    }

    private static object Key(ServedModel model) => (model.Name, model.Version);
}
