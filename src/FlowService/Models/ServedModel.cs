using FlowCore;
using FlowCore.Engines;
using FlowService.Batching;

namespace FlowService.Models;

/// <summary>A loaded version of a model: what a request needs of it. Immutable; its engine belongs to the device's thread.</summary>
internal sealed class ServedModel(string name, int version, FlowEngine<float> engine, BatchQueue queue, SelfTestFigures selfTest) : IDisposable
{
    private volatile bool disposed;

    public string Name => name;

    public int Version => version;

    public FlowSpec Spec => engine.Spec;

    /// <summary>Only the device's thread computes with it; any thread may draw noise.</summary>
    public FlowEngine<float> Engine => engine;

    /// <summary>The queue of the device that computes this model.</summary>
    public BatchQueue Queue => queue;

    public SelfTestFigures SelfTest => selfTest;

    public int Width => engine.Width;

    /// <summary>The labels that say model and version in metrics, made once.</summary>
    public KeyValuePair<string, object?> ModelLabel { get; } = new("model", name);

    public KeyValuePair<string, object?> VersionLabel { get; } = new("version", version);

    public bool IsDisposed => disposed;

    /// <summary>On the device's thread, after its last batch.</summary>
    public void Dispose()
    {
        disposed = true;
        engine.Dispose();
    }
}
