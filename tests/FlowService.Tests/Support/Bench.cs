using System.Diagnostics.Metrics;
using FlowCore.Engines;
using FlowService.Batching;
using FlowService.Models;
using FlowService.Telemetry;
using FlowService.Wire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FlowService.Tests.Support;

/// <summary>A device with its queue and thread, without HTTP: requests are work items, and the thread can be held.</summary>
internal sealed class Bench : IAsyncDisposable
{
    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly BatchWorker worker;
    private readonly Inference inference;

    public Bench(int batchRows = 8, int queueRows = 1000)
    {
        var metrics = new FlowMetrics(services.GetRequiredService<IMeterFactory>());
        Queue = new BatchQueue("cpu", queueRows);
        worker = new BatchWorker(Queue, batchRows, metrics, TimeProvider.System, NullLogger.Instance);
        inference = new Inference(Options.Create(new BatchingOptions { BatchRows = batchRows, QueueRows = queueRows }), Pool, TimeProvider.System);
        Model = Serve("arithmetic", new ArithmeticEngine(1));
        worker.Start();
    }

    public EngineHook Hook { get; } = new();

    public RowPool Pool { get; } = new();

    public BatchQueue Queue { get; }

    public BatchWorker Worker => worker;

    /// <summary>The first model: rows of one value.</summary>
    public ServedModel Model { get; }

    /// <summary>The batches since the thread was held, as "direction rows".</summary>
    public string[] Batches => [.. Hook.Batches];

    public ServedModel Serve(string name, FlowEngine<float> engine, int version = 1) =>
        new(name, version, Hook.Around(engine), Queue, new SelfTestFigures(0, 0, 0, 0, 0, 0));

    public MetricCollector<T> Metric<T>(string instrument)
        where T : struct =>
        new(services.GetRequiredService<IMeterFactory>(), FlowMetrics.MeterName, instrument);

    /// <summary>Starts a request of rows with consecutive values; the result is its outputs.</summary>
    public async Task<float[]> AskAsync(
        Operation operation, int rows, float first = 0, ServedModel? model = null, float[]? context = null, CancellationToken gone = default)
    {
        model ??= Model;
        using RowBuffer values = Pool.Rent(rows * model.Width);
        for (int i = 0; i < values.Length; i++)
            values.Span[i] = first + i;
        using RowBuffer? conditions = context is null ? null : Pool.Rent(context.Length);
        context?.CopyTo(conditions!.Span);
        using var input = new WorkRows
        {
            Count = rows,
            Values = operation == Operation.Sample ? null : values,
            Context = conditions,
            RowsPerContext = context is null ? 1 : rows * model.Engine.ContextWidth / context.Length,
            Seed = (ulong)first,
        };
        using var item = new WorkItem(model, operation, input, Pool);
        await inference.RunAsync(item, TimeSpan.FromMinutes(1), gone);
        return item.Results.Values.Span.ToArray();
    }

    /// <summary>Occupies the device with a batch of one row, until <see cref="EngineHook.Release"/>.</summary>
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
        Queue.Close();
        await worker.Ended;
        Hook.Dispose();
        await services.DisposeAsync();
    }
}
