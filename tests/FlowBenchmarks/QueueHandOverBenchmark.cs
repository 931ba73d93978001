using System.Diagnostics.Metrics;
using BenchmarkDotNet.Attributes;
using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Caching;
using FlowService.Models;
using FlowService.Telemetry;
using FlowService.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FlowBenchmarks;

/// <summary>
/// What the way to a device's thread and back costs one request, on an engine that costs nothing: against calling it directly.
/// </summary>
public class QueueHandOverBenchmark : IDisposable
{
    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly RowPool pool = new();
    private readonly ArithmeticEngine engine = new(2);
    private readonly float[] x = [1, 2], z = new float[2], logDet = new float[1], logProb = new float[1];
    private readonly Inference inference;
    private readonly ServedModel model;
    private readonly RowBuffer<float> values;

    public QueueHandOverBenchmark()
    {
        var metrics = new FlowMetrics(services.GetRequiredService<IMeterFactory>(), new ModelRegistry());
        inference = new Inference(pool, new AnswerCache(Options.Create(new CacheOptions()), metrics), metrics, TimeProvider.System);
        model = new ServedModel("arithmetic", 1, [new ArithmeticEngine(2)], new BatchingOptions(), new SelfTestFigures(0, 0, 0, 0, 0, 0), metrics, TimeProvider.System, NullLogger.Instance).Start();
        values = pool.Rent<float>(2);
    }

    [Benchmark(Baseline = true)]
    public float CalledDirectly()
    {
        engine.Forward(x, default, z, logDet, logProb);
        return logProb[0];
    }

    [Benchmark]
    public async Task<float> ThroughTheQueue()
    {
        using var rows = new WorkRows { Count = 1, Values = values };
        using var item = new WorkItem(model, Operation.LogProb, rows, pool);
        await inference.RunAsync(item, TimeSpan.FromSeconds(10), CancellationToken.None);
        return item.Results.LogProb.Span[0];
    }

    [GlobalCleanup]
    public void Dispose()
    {
        model.RetireAsync().Wait();
        values.Dispose();
        services.Dispose();
        GC.SuppressFinalize(this);
    }
}
