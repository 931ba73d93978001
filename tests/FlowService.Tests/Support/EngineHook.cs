using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using FlowCore.Engines;
using FlowService.Models;

namespace FlowService.Tests.Support;

/// <summary>
/// A hand on the engines of a service: holds the device's thread inside a batch, notes each batch, and fails those that hold a
/// poisoned value.
/// </summary>
internal sealed class EngineHook : IDisposable
{
    public const float Poison = 666;

    private readonly SemaphoreSlim steps = new(0), entered = new(0);
    private volatile bool held;
    private int disposed;

    /// <summary>Direction and rows of each batch since the last <see cref="Hold"/>.</summary>
    public ConcurrentQueue<string> Batches { get; } = [];

    /// <summary>Fails every batch, whatever it holds.</summary>
    public Exception? Fault { get; set; }

    /// <summary>Batches of more rows are more than the memory holds.</summary>
    public int MemoryRows { get; set; } = int.MaxValue;

    /// <summary>Whether the engines draw their noise themselves, as those of GPUs do.</summary>
    public bool DrawsNoise { get; set; }

    /// <summary>What the engines say of the memory of their GPU.</summary>
    public DeviceMemory? Memory { get; set; }

    public int DisposedEngines => disposed;

    /// <summary>The name of the thread that disposed of an engine last.</summary>
    public string? DisposingThread { get; private set; }

    /// <summary>Engines as the service builds them, with this hook around each.</summary>
    public EngineFactory Engines => (checkpoint, device) => Around(new TorchEngine<float>(checkpoint.BuildFlow(), device));

    public FlowEngine<float> Around(FlowEngine<float> engine) => new HookedEngine(engine, this);

    /// <summary>The next batch stops inside the engine.</summary>
    public void Hold()
    {
        Batches.Clear();
        while (entered.Wait(0) || steps.Wait(0))
        {
        }
        held = true;
    }

    /// <summary>Returns when a batch stands inside the engine.</summary>
    public Task Entered() => entered.WaitAsync();

    /// <summary>Lets the batch inside the engine go, and returns when the next one stands there.</summary>
    public Task StepAsync()
    {
        steps.Release();
        return Entered();
    }

    public void Release()
    {
        held = false;
        steps.Release();
    }

    public void Dispose()
    {
        Release();
        entered.Dispose();
        steps.Dispose();
    }

    private void Batch(string direction, ReadOnlySpan<float> values, int width)
    {
        Batches.Enqueue($"{direction} {values.Length / width}");
        if (held)
        {
            entered.Release();
            steps.Wait();
        }
        if (Fault is { } fault)
            throw fault;
        if (values.Length / width > MemoryRows)
            throw new NativeException("CUDA out of memory. Tried to allocate 2.00 GiB");
        if (values.Contains(Poison))
            throw new InvalidOperationException("the secret words of libtorch");
    }

    /// <summary>What TorchSharp throws for an error of libtorch, but for its type's name.</summary>
    private sealed class NativeException(string message) : ExternalException(message);

    private sealed class HookedEngine(FlowEngine<float> inner, EngineHook hook) : FlowEngine<float>(inner.Spec)
    {
        public override string Name => inner.Name;

        public override string Device => inner.Device;

        public override DeviceMemory? Memory() => hook.Memory;

        public override int NoiseWidth => inner.NoiseWidth;

        public override bool SameBitsInAnyBatch => inner.SameBitsInAnyBatch;

        public override bool DrawsNoise => hook.DrawsNoise;

        public override void DrawNoise(ulong seed, long firstRow, Span<float> noise) => inner.DrawNoise(seed, firstRow, noise);

        public override void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> context, Span<float> z, Span<float> logDet, Span<float> logProb)
        {
            hook.Batch("forward", x, Width);
            inner.Forward(x, context, z, logDet, logProb);
        }

        public override void Inverse(ReadOnlySpan<float> z, ReadOnlySpan<float> context, Span<float> x, Span<float> logDet, Span<float> logProb)
        {
            hook.Batch("inverse", z, Width);
            inner.Inverse(z, context, x, logDet, logProb);
        }

        public override void Latents(
            ReadOnlySpan<float> noise, ReadOnlySpan<float> context, ReadOnlySpan<float> temperature, Span<float> z, Span<float> logBase) =>
            inner.Latents(noise, context, temperature, z, logBase);

        protected override void Dispose(bool disposing)
        {
            hook.DisposingThread = Thread.CurrentThread.Name;
            Interlocked.Increment(ref hook.disposed);
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
