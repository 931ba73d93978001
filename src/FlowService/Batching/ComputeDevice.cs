using FlowService.Models;
using FlowService.Telemetry;
using Microsoft.Extensions.Options;

namespace FlowService.Batching;

/// <summary>
/// The device that computes: its queue and its thread. It starts before the server listens and stops after it, when all that was
/// accepted is done; then the models are disposed of on that thread.
/// </summary>
internal sealed class ComputeDevice : IHostedService
{
    private readonly ModelRegistry registry;
    private readonly BatchingOptions options;
    private readonly BatchWorker worker;
    private readonly ILogger<ComputeDevice> logger;

    public ComputeDevice(
        TorchRuntime torch, ModelRegistry registry, IOptions<BatchingOptions> batching, FlowMetrics metrics, TimeProvider time, ILogger<ComputeDevice> logger)
    {
        this.registry = registry;
        this.logger = logger;
        options = batching.Value;
        Queue = new BatchQueue(torch.Device, options.QueueRows);
        worker = new BatchWorker(Queue, options.BatchRows, metrics, time, logger);
        metrics.WatchQueue(() => Queue.Rows);
    }

    public BatchQueue Queue { get; }

    /// <summary>True while the device's thread takes work.</summary>
    public bool IsAlive => !worker.Ended.IsCompleted;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        logger.DeviceStarted(Queue.Device, options.BatchRows);
        worker.Start();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (ServedModel model in registry.Close())
            Queue.TryEnqueue(new Retirement(model));
        Queue.Close();
        await worker.Ended.WaitAsync(cancellationToken);
    }
}
