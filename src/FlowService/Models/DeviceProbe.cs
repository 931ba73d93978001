using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Errors;

namespace FlowService.Models;

/// <summary>
/// Whether the devices compute. While batches succeed there is nothing to ask; where a model's last batch failed, one real row goes
/// through its queue. A device is dead where no model on it answers: one broken model does not take the others out of service.
/// </summary>
internal sealed class DeviceProbe(ModelRegistry registry, Inference inference, RowPool pool)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <exception cref="RequestException">503: a device is dead.</exception>
    public async Task CheckAsync(CancellationToken callerGone)
    {
        foreach (var device in registry.Served.GroupBy(model => model.Engine.Device))
            if (device.Any(model => !model.LastBatchSucceeded) && !await AnyAnswersAsync(device.OrderBy(model => model.LastBatchSucceeded), callerGone))
                throw new RequestException(ProblemKind.NotReady, $"device {device.Key} fails to compute a single row; restart the service, or look at its log") { RetryAfter = 10 };
    }

    private async Task<bool> AnyAnswersAsync(IEnumerable<ServedModel> models, CancellationToken callerGone)
    {
        foreach (ServedModel model in models)
            if (await AnswersAsync(model, callerGone))
                return true;
        return false;
    }

    private async Task<bool> AnswersAsync(ServedModel model, CancellationToken callerGone)
    {
        if (!model.TryLease())
            return true; // it was replaced this moment
        using var lease = new ModelLease(model);
        using RowBuffer<float> latent = Zeros(model.Width), context = Zeros(model.Engine.ContextWidth);
        using var row = new WorkRows { Count = 1, Values = latent, Context = model.Engine.ContextWidth > 0 ? context : null };
        using var item = new WorkItem(model, Operation.Decode, row, pool);
        try
        {
            await inference.RunAsync(item, Patience, callerGone);
            return true;
        }
        catch (RequestException e) when (e.Kind == ProblemKind.QueueFull)
        {
            return true; // busy, not dead
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return false;
        }
    }

    private RowBuffer<float> Zeros(int length)
    {
        RowBuffer<float> buffer = pool.Rent<float>(length);
        buffer.Span.Clear();
        return buffer;
    }
}
