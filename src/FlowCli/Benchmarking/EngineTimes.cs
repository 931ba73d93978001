using System.Diagnostics;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Engines;

namespace FlowCli.Benchmarking;

/// <summary>How many rows a second engines compute side by side, each on a thread of its own, as the service's instances do. The rows are the model's own samples.</summary>
internal sealed class EngineTimes : IDisposable
{
    // Sampling may be slow where scoring is fast: so many rows are drawn, and taken over and over.
    private const int DrawnRows = 256;

    private readonly List<FlowEngine<float>> engines = [];
    private readonly Func<int, FlowEngine<float>> open;
    private readonly bool isInverse;
    private float[] rows = [], contexts = [];
    private TuneSetting opened;

    /// <param name="checkpoint">The model.</param>
    /// <param name="kind">Which engine.</param>
    /// <param name="device">Where.</param>
    /// <param name="isInverse">Whether latents are mapped to data, as for samples, in place of data to latents.</param>
    public EngineTimes(Checkpoint checkpoint, EngineKind kind, string device, bool isInverse)
    {
        this.isInverse = isInverse;
        open = threads => Engine.Open<float>(checkpoint, kind, device, threads);
        Draw();
    }

    /// <summary>The model.</summary>
    public FlowSpec Spec { get; private set; } = null!;

    /// <summary>The device that computes, and the engine.</summary>
    public string Device { get; private set; } = "";

    /// <summary>Rows a second of all instances together.</summary>
    /// <param name="setting">The batch, the cores that it is spread over, and the engines side by side.</param>
    /// <param name="least">How long to measure; one batch is computed in any case.</param>
    /// <param name="stop">Ends it.</param>
    public double RowsPerSecond(TuneSetting setting, TimeSpan least, CancellationToken stop)
    {
        Open(setting);
        Fill(setting.BatchRows);
        long done = 0;
        Exception? failure = null;
        using var start = new Barrier(setting.Instances);
        long began = 0, ended = 0;
        Thread[] threads = [.. engines.Select(engine => new Thread(() =>
        {
            try
            {
                var outputs = new Outputs(setting.BatchRows, Spec.Width);
                Compute(engine, setting.BatchRows, outputs); // not the first time that this thread does it
                start.SignalAndWait(stop);
                Interlocked.CompareExchange(ref began, Stopwatch.GetTimestamp(), 0);
                do
                {
                    Compute(engine, setting.BatchRows, outputs);
                    Interlocked.Add(ref done, setting.BatchRows);
                }
                while (Stopwatch.GetElapsedTime(began) < least && !stop.IsCancellationRequested);
                ended = Math.Max(ended, Stopwatch.GetTimestamp());
            }
            catch (Exception e)
            {
                failure = e;
                start.RemoveParticipant();
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        stop.ThrowIfCancellationRequested();
        return failure is null ? done / Stopwatch.GetElapsedTime(began, ended).TotalSeconds : throw new FlowException($"{setting}: {failure.Message}", failure);
    }

    public void Dispose() => Close();

    private readonly record struct Outputs(float[] Values, float[] LogDet, float[] LogProb)
    {
        public Outputs(int rows, int width)
            : this(new float[rows * width], new float[rows], new float[rows])
        {
        }
    }

    private void Compute(FlowEngine<float> engine, int count, Outputs outputs)
    {
        ReadOnlySpan<float> input = rows.AsSpan(0, count * Spec.Width), context = contexts.AsSpan(0, count * engine.ContextWidth);
        if (isInverse)
            engine.Inverse(input, context, outputs.Values, outputs.LogDet, outputs.LogProb);
        else
            engine.Forward(input, context, [], outputs.LogDet, outputs.LogProb);
    }

    private void Open(TuneSetting setting)
    {
        if ((opened.Threads, opened.Instances) == (setting.Threads, setting.Instances))
            return;
        Close();
        for (int i = 0; i < setting.Instances; i++)
            engines.Add(open(setting.Threads));
        opened = setting;
    }

    private void Close()
    {
        engines.ForEach(engine => engine.Dispose());
        engines.Clear();
        opened = default;
    }

    // Contexts are zeros, or the first class: what a row costs does not depend on it.
    private void Draw()
    {
        using FlowEngine<float> engine = open(1);
        (Spec, Device) = (engine.Spec, engine.Device);
        float[] noise = new float[DrawnRows * engine.NoiseWidth], z = new float[DrawnRows * engine.Width], x = new float[z.Length], temperature = new float[DrawnRows];
        contexts = new float[DrawnRows * engine.ContextWidth];
        Array.Fill(temperature, 1);
        engine.DrawNoise(1, 0, noise);
        engine.Latents(noise, contexts, temperature, z, new float[DrawnRows]);
        engine.Inverse(z, contexts, x, new float[DrawnRows], new float[DrawnRows]);
        rows = isInverse ? z : x;
    }

    private void Fill(int count)
    {
        int drawn = DrawnRows * Spec.Width, had = rows.Length;
        if (had < count * Spec.Width)
        {
            Array.Resize(ref rows, count * Spec.Width);
            for (int i = had; i < rows.Length; i++)
                rows[i] = rows[i % drawn];
        }
        if (contexts.Length < count * Spec.ContextWidth)
            Array.Resize(ref contexts, count * Spec.ContextWidth);
    }
}
