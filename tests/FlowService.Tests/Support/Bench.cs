using System.Diagnostics.Metrics;
using FlowCore.Engines;
using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Caching;
using FlowService.Models;
using FlowService.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FlowService.Tests.Support;

/// <summary>Models with their queues and threads, without HTTP: requests are work items, and the threads can be held.</summary>
internal sealed class Bench : IAsyncDisposable
{
    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly List<ServedModel> models = [];
    private readonly BatchingOptions options;
    private readonly FlowMetrics metrics;
    private readonly TimeProvider time;
    private readonly Inference inference;

    public Bench(int batchRows = 8, int queueRows = 1000, int instances = 1, int delayMicroseconds = 0, TimeProvider? time = null)
    {
        this.time = time ?? TimeProvider.System;
        options = new BatchingOptions { BatchRows = batchRows, QueueRows = queueRows, DelayMicroseconds = delayMicroseconds };
        metrics = new FlowMetrics(services.GetRequiredService<IMeterFactory>(), new ModelRegistry());
        inference = new Inference(Pool, new AnswerCache(Options.Create(new CacheOptions()), metrics), metrics, this.time);
        Model = Serve("arithmetic", [.. Enumerable.Range(0, instances).Select(_ => new ArithmeticEngine(1))]);
    }

    public EngineHook Hook { get; } = new();

    public RowPool Pool { get; } = new();

    public Inference Inference => inference;

    /// <summary>The first model: rows of one value.</summary>
    public ServedModel Model { get; }

    /// <summary>Its queue.</summary>
    public BatchQueue Queue => Model.Queue;

    /// <summary>The batches since the thread was held, as "direction rows".</summary>
    public string[] Batches => [.. Hook.Batches];

    public ServedModel Serve(string name, params FlowEngine<float>[] engines)
    {
        var model = new ServedModel(
            name, 1, [.. engines.Select(Hook.Around)], options, new SelfTestFigures(0, 0, 0, 0, 0, 0), metrics, time, NullLogger.Instance);
        models.Add(model.Start());
        return model;
    }

    public MetricCollector<T> Metric<T>(string instrument)
        where T : struct =>
        new(services.GetRequiredService<IMeterFactory>(), FlowMetrics.MeterName, instrument);

    /// <summary>Starts a request of rows with consecutive values; the result is its outputs.</summary>
    public async Task<float[]> AskAsync(
        Operation operation, int rows, float first = 0, ServedModel? model = null, float[]? context = null,
        Priority priority = Priority.Interactive, TimeSpan? deadline = null, CancellationToken gone = default)
    {
        model ??= Model;
        using RowBuffer<float> values = Pool.Rent<float>(rows * model.Width);
        for (int i = 0; i < values.Length; i++)
            values.Span[i] = first + i;
        using RowBuffer<float>? conditions = context is null ? null : Pool.Rent<float>(context.Length);
        context?.CopyTo(conditions!.Span);
        using var input = new WorkRows
        {
            Count = rows,
            Values = operation == Operation.Sample ? null : values,
            Context = conditions,
            RowsPerContext = context is null ? 1 : rows * model.Engine.ContextWidth / context.Length,
            Seed = (ulong)first,
        };
        using var item = new WorkItem(model, operation, input, Pool) { Priority = priority };
        await inference.RunAsync(item, deadline ?? TimeSpan.FromMinutes(1), gone);
        return item.Results.Values.Span.ToArray();
    }

    /// <summary>Occupies the first model with a batch of one row, until <see cref="EngineHook.Release"/>.</summary>
    public async Task<Task<float[]>> HoldAsync()
    {
        Hook.Hold();
        Task<float[]> held = AskAsync(Operation.Decode, 1, 1e6f);
        await Hook.Entered();
        Hook.Batches.Clear();
        return held;
    }

    public async ValueTask DisposeAsync()
    {
        Hook.Release();
        await Task.WhenAll(models.Select(model => model.RetireAsync()));
        Hook.Dispose();
        await services.DisposeAsync();
    }
}
