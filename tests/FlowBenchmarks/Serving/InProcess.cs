using System.Diagnostics;
using System.Diagnostics.Metrics;
using FlowCore.Engines;
using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Caching;
using FlowService.Models;
using FlowService.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FlowBenchmarks.Serving;

/// <summary>The same rows without HTTP: by the bare engine, and through the queue.</summary>
internal static class InProcess
{
    /// <summary>Rows a second of the engine alone, at one size of batch.</summary>
    public static double Bare(FlowEngine<float> engine, float[] rows, int batch, TimeSpan duration)
    {
        float[] input = Tiled(rows, batch * engine.Width), logDet = new float[batch], logProb = new float[batch];
        long computed = 0;
        var clock = Stopwatch.StartNew();
        for (; clock.Elapsed < duration; computed += batch)
            engine.Forward(input, default, default, logDet, logProb);
        return computed / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Rows a second through the queue, the mean rows of the batches formed, and the share of the time that the engine computed: each caller asks again when it has its answer.</summary>
    public static (double RowsPerSecond, int Batch, double Computing) Queued(FlowEngine<float> engine, float[] rows, int rowsEach, int callers, TimeSpan duration)
    {
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var pool = new RowPool();
        var metrics = new FlowMetrics(services.GetRequiredService<IMeterFactory>(), new ModelRegistry());
        using var cache = new AnswerCache(Options.Create(new CacheOptions()), metrics);
        var inference = new Inference(pool, cache, metrics, TimeProvider.System);
        var counted = new CountingEngine(engine);
        ServedModel model = new ServedModel("model", 1, [counted], new BatchingOptions(), new SelfTestFigures(0, 0, 0, 0, 0, 0), metrics, TimeProvider.System, NullLogger.Instance).Start();
        using RowBuffer<float> values = pool.Rent<float>(rowsEach * engine.Width);
        Tiled(rows, values.Length).CopyTo(values.Span);
        var clock = Stopwatch.StartNew();
        long[] computed = Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(CallAsync))).GetAwaiter().GetResult();
        double seconds = clock.Elapsed.TotalSeconds;
        model.RetireAsync().GetAwaiter().GetResult();
        return (computed.Sum() / seconds, (int)(computed.Sum() / Math.Max(1, counted.Batches)), counted.Computing.TotalSeconds / seconds);

        async Task<long> CallAsync()
        {
            long mine = 0;
            for (; clock.Elapsed < duration; mine += rowsEach)
            {
                using var input = new WorkRows { Count = rowsEach, Values = values };
                using var item = new WorkItem(model, Operation.LogProb, input, pool, keepsValues: false);
                await inference.RunAsync(item, TimeSpan.FromSeconds(30), CancellationToken.None);
            }
            return mine;
        }
    }

    /// <summary>The median duration of one row by the engine alone, in seconds.</summary>
    public static double BareRow(FlowEngine<float> engine, float[] rows, TimeSpan duration)
    {
        float[] input = Tiled(rows, engine.Width), logDet = new float[1], logProb = new float[1];
        var seconds = new List<double>();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < duration;)
        {
            long began = Stopwatch.GetTimestamp();
            engine.Forward(input, default, default, logDet, logProb);
            seconds.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
        }
        seconds.Sort();
        return seconds[seconds.Count / 2];
    }

    private static float[] Tiled(float[] rows, int length)
    {
        var tiled = new float[length];
        for (int at = 0; at < length; at += rows.Length)
            rows.AsSpan(0, Math.Min(rows.Length, length - at)).CopyTo(tiled.AsSpan(at));
        return tiled;
    }

    /// <summary>The engine, not disposed of with its model, and counted.</summary>
    private sealed class CountingEngine(FlowEngine<float> inner) : FlowEngine<float>(inner.Spec)
    {
        public long Batches { get; private set; }

        public TimeSpan Computing { get; private set; }

        public override string Name => inner.Name;

        public override string Device => inner.Device;

        public override int NoiseWidth => inner.NoiseWidth;

        public override void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> context, Span<float> z, Span<float> logDet, Span<float> logProb)
        {
            Batches++;
            long began = Stopwatch.GetTimestamp();
            inner.Forward(x, context, z, logDet, logProb);
            Computing += Stopwatch.GetElapsedTime(began);
        }

        public override void Inverse(ReadOnlySpan<float> z, ReadOnlySpan<float> context, Span<float> x, Span<float> logDet, Span<float> logProb) =>
            inner.Inverse(z, context, x, logDet, logProb);

        public override void Latents(ReadOnlySpan<float> noise, ReadOnlySpan<float> context, ReadOnlySpan<float> temperature, Span<float> z, Span<float> logBase) =>
            inner.Latents(noise, context, temperature, z, logBase);
    }
}
