using System.Diagnostics.CodeAnalysis;
using FlowCore;
using FlowCore.Calibration;
using FlowCore.Engines;
using FlowService.Batching;
using FlowService.Drift;
using FlowService.Telemetry;

namespace FlowService.Models;

/// <summary>
/// A loaded version of a model: its engines, its queue and its threads. Requests hold a lease of it: a version that is retired
/// finishes what it was asked, and its own threads dispose of the engines.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A source that is cancelled once, and has no timer, holds nothing that would have to be disposed of.")]
internal sealed class ServedModel
{
    private static long loads;

    private readonly BatchWorker worker;
    private readonly CancellationTokenSource retiring = new();
    private readonly TaskCompletionSource sizesEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int leases = 1; // the registry's
    private int retired;

    public ServedModel(
        string name, int version, FlowEngine<float>[] engines, BatchingOptions batching, SelfTestFigures selfTest, FlowMetrics metrics, TimeProvider time, ILogger logger, RowCost? cost = null)
    {
        (Name, Version, Engines, SelfTest) = (name, version, engines, selfTest);
        (ModelLabel, VersionLabel) = (new("model", name), new("version", version));
        Statistics = new ModelStatistics(time);
        Queue = new BatchQueue(batching, engines, cost ?? new(engines.Length), time);
        worker = new BatchWorker(this, Queue, metrics, time, logger);
    }

    /// <summary>A number that no other loaded version has had in this process.</summary>
    public long Load { get; } = Interlocked.Increment(ref loads);

    /// <summary>Whether its answers are cached.</summary>
    public bool IsCached { get; init; }

    /// <summary>What ordinary rows look like to it; null where it was not calibrated.</summary>
    public CalibrationSet? Calibration { get; init; }

    /// <summary>The model card, as it stands beside the weights; null where there is none.</summary>
    public string? Card { get; init; }

    /// <summary>The bytes of the weights.</summary>
    public long WeightBytes { get; init; }

    /// <summary>The flow taken apart; null where it is not taken apart.</summary>
    public LayeredModel? Layers { get; init; }

    /// <summary>The same version at other sizes of its images; null where it takes one size alone.</summary>
    public ModelSizes? Sizes { get; init; }

    /// <summary>What speaks by it; null where it is not a flow over sound.</summary>
    public Voice? Voice { get; init; }

    /// <summary>How today's rows differ from those; null where nobody looks.</summary>
    public DriftMonitor? Drift { get; init; }

    /// <summary>Cancelled when the version takes no new requests.</summary>
    public CancellationToken Retired => retiring.Token;

    public string Name { get; }

    public int Version { get; }

    /// <summary>What computes: one engine for each instance. Each is used by one thread at a time.</summary>
    public FlowEngine<float>[] Engines { get; }

    /// <summary>The first engine: any thread may ask what it is, and draw noise.</summary>
    public FlowEngine<float> Engine => Engines[0];

    public FlowSpec Spec => Engine.Spec;

    public BatchQueue Queue { get; }

    /// <summary>What has become of its requests.</summary>
    public ModelStatistics Statistics { get; init; }

    public SelfTestFigures SelfTest { get; }

    public int Width => Engine.Width;

    /// <summary>The labels that say model and version in metrics, made once.</summary>
    public KeyValuePair<string, object?> ModelLabel { get; }

    public KeyValuePair<string, object?> VersionLabel { get; }

    /// <summary>False where something failed in the last batch.</summary>
    public bool LastBatchSucceeded => worker.LastBatchSucceeded;

    /// <summary>Completes when a retired version has done all its work and given its memory back.</summary>
    public Task Ended => Sizes is null ? worker.Ended : Task.WhenAll(worker.Ended, sizesEnded.Task);

    public ServedModel Start()
    {
        worker.Start();
        if (Voice is { } voice)
            _ = Ended.ContinueWith(_ => voice.Dispose(), TaskScheduler.Default);
        return this;
    }

    /// <summary>Keeps the version alive for a request; false where it is retired, and another one must be looked up.</summary>
    public bool TryLease()
    {
        for (int now = Volatile.Read(ref leases); now > 0; now = Volatile.Read(ref leases))
            if (Interlocked.CompareExchange(ref leases, now + 1, now) == now)
                return true;
        return false;
    }

    /// <summary>Gives a lease back.</summary>
    public void EndLease()
    {
        if (Interlocked.Decrement(ref leases) == 0)
            Queue.Close();
    }

    private async Task EndSizesAsync()
    {
        if (Sizes is not null)
            await Sizes.RetireAsync();
        sizesEnded.SetResult();
    }

    /// <summary>Takes no new requests; completes when those it has are answered and its memory is given back.</summary>
    public Task RetireAsync()
    {
        if (Interlocked.Exchange(ref retired, 1) == 0)
        {
            retiring.Cancel();
            EndLease();
            _ = EndSizesAsync();
        }
        return Ended;
    }
}

/// <summary>A request's hold of a version: as long as it lasts the version is not disposed of.</summary>
internal sealed class ModelLease(ServedModel model) : IDisposable
{
    private int ended;

    public ServedModel Model => model;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref ended, 1) == 0)
            model.EndLease();
    }
}
